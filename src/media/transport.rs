//! The transport stream of a segment (ISO/IEC 13818-1): its one program, and the packets of one of its streams, whole and
//! in order. Strict where a player is lenient: a player that skips what is missing shows a flicker, and here it would be
//! what nobody judged. What is cut off behind a whole packet at the end cannot be told from a segment that ends there:
//! whoever fetched it knows its length.

use super::{Of, SEGMENT_BYTES_MAX, Unfit};

const PACKET_BYTES: usize = 188;
const SYNC: u8 = 0x47;
/// The stream that says where the program's map is.
const PROGRAMS_PID: u16 = 0;
/// The most bytes of a section, by the standard, with its head.
const SECTION_BYTES_MAX: usize = 1_024;
/// Times are counted in 33 bits of 1/90,000 s, which is 26 hours.
const TIME_BITS: u32 = 33;
pub(super) const TICKS_PER_S: u64 = 90_000;

/// What was read of a segment.
pub(super) struct Carried {
    pub(super) packets: Vec<Packet>,
    /// By how many ticks the first of them is shown after whatever the program shows first.
    pub(super) begins: u64,
}

/// What an elementary stream carries in one piece (PES packet).
pub(super) struct Packet {
    /// When it is shown, in ticks, if that is said. Later ones of a stream have later times, across the end of the count.
    pub(super) shown: Option<u64>,
    /// When it must be decoded; as it is shown if nothing else is said.
    pub(super) decoded: Option<u64>,
    pub(super) bytes: Vec<u8>,
}

/// Reads what is wanted of a segment.
pub(super) fn read(segment: &[u8], of: Of) -> Result<Carried, Unfit> {
    let bytes = segment.len();
    if bytes == 0 || !bytes.is_multiple_of(PACKET_BYTES) || bytes > SEGMENT_BYTES_MAX {
        return Err(Unfit::Size { bytes });
    }
    let mut reading = Reading { of, programs: Section::default(), map: None, program: None, wanted: None, other: None };
    for (index, packet) in segment.chunks_exact(PACKET_BYTES).enumerate() {
        let at = index * PACKET_BYTES;
        let packet = Transported::of(packet).map_err(|what| Unfit::Damaged { at, what })?;
        reading.take(&packet, at)?;
    }
    reading.end(bytes)
}

/// Whether all maps of a segment say that there is none. One of them alone is not enough: an encoder may add a stream in
/// the middle.
pub(super) fn lacks(segment: &[u8], of: Of) -> bool {
    let bytes = segment.len();
    if bytes == 0 || !bytes.is_multiple_of(PACKET_BYTES) || bytes > SEGMENT_BYTES_MAX {
        return false;
    }
    let (mut programs, mut map): (Section, Option<(u16, Section)>) = (Section::default(), None);
    let mut said = false;
    for packet in segment.chunks_exact(PACKET_BYTES) {
        let Ok(packet) = Transported::of(packet) else { return false };
        if packet.pid == PROGRAMS_PID {
            let table = match programs.take(&packet) {
                Ok(Some(table)) => table,
                Ok(None) => continue,
                Err(_) => return false,
            };
            match (map_of(&table), &map) {
                (Some(pid), None) => map = Some((pid, Section::default())),
                (Some(pid), Some((known, _))) if pid == *known => {}
                (Some(_) | None, _) => return false,
            }
        } else if let Some((pid, section)) = &mut map
            && *pid == packet.pid
        {
            match section.take(&packet) {
                Ok(Some(table)) if Map::of(&table).is_some_and(|map| map.wanted(of) == Err(Unfit::Without(of))) => {
                    said = true;
                }
                Ok(None) => {}
                Ok(Some(_)) | Err(_) => return false,
            }
        }
    }
    said
}

/// One packet of the transport.
struct Transported<'a> {
    pid: u16,
    /// Something begins in it: a section or a piece of a stream.
    starts: bool,
    counter: u8,
    /// The sender says itself that what came before is not what this follows.
    breaks: bool,
    payload: Option<&'a [u8]>,
}

impl<'a> Transported<'a> {
    fn of(packet: &'a [u8]) -> Result<Self, &'static str> {
        let [sync, high, low, flags, rest @ ..] = packet else { return Err("a packet without a head") };
        if *sync != SYNC {
            return Err("a packet that does not begin as one");
        }
        if high & 0x80 != 0 {
            return Err("a packet that was damaged on its way");
        }
        let pid = u16::from_be_bytes([high & 0x1f, *low]);
        if flags & 0xc0 != 0 {
            return Err("a packet that is scrambled");
        }
        let (adapted, has_payload) = (flags & 0x20 != 0, flags & 0x10 != 0);
        let (field, payload) = match (adapted, rest) {
            (true, [length, rest @ ..]) => {
                rest.split_at_checked(usize::from(*length)).ok_or("a packet whose head is longer than it")?
            }
            (true, []) => return Err("a packet without the head that it says it has"),
            (false, rest) => (&[][..], rest),
        };
        let breaks = field.first().is_some_and(|flags| flags & 0x80 != 0);
        let payload = has_payload.then_some(payload);
        Ok(Self { pid, starts: high & 0x40 != 0, counter: flags & 0x0f, breaks, payload })
    }
}

/// Whether packets of one stream follow each other.
#[derive(Default)]
struct Order {
    last: Option<u8>,
}

impl Order {
    /// Whether the packet is the next; not, if it is the last once more, which the standard allows. Only of packets with
    /// a payload: others are not counted.
    fn is_next(&mut self, packet: &Transported<'_>) -> Result<bool, &'static str> {
        let last = self.last.replace(packet.counter);
        match last {
            Some(last) if packet.counter == last => Ok(false),
            Some(last) if packet.counter != (last + 1) & 0x0f && !packet.breaks => Err("a packet is missing before it"),
            _ => Ok(true),
        }
    }
}

/// A table of the program, collected until it is whole.
#[derive(Default)]
struct Section {
    order: Order,
    bytes: Vec<u8>,
}

impl Section {
    /// The table, if this packet completes one and its checksum is right.
    fn take(&mut self, packet: &Transported<'_>) -> Result<Option<Vec<u8>>, &'static str> {
        let Some(mut payload) = packet.payload else { return Ok(None) };
        if !self.order.is_next(packet)? {
            return Ok(None);
        }
        if packet.starts {
            let (before, rest) = payload.split_first().ok_or("a table that begins nowhere")?;
            payload = rest.get(usize::from(*before)..).ok_or("a table that begins beyond its packet")?;
            self.bytes.clear();
        } else if self.bytes.is_empty() {
            return Ok(None); // what follows the end of one
        }
        self.bytes.extend(payload);
        let Some([_, high, low]) = self.bytes.first_chunk::<3>() else { return Ok(None) };
        let whole = 3 + usize::from(u16::from_be_bytes([high & 0x0f, *low]));
        if whole > SECTION_BYTES_MAX {
            return Err("a table longer than tables are");
        }
        if self.bytes.len() < whole {
            return Ok(None);
        }
        let mut table = std::mem::take(&mut self.bytes);
        table.truncate(whole);
        if crc(&table) != 0 {
            return Err("a table whose checksum is wrong");
        }
        table.truncate(whole.saturating_sub(4));
        Ok(Some(table))
    }
}

/// CRC-32/MPEG-2; 0 over a table and its own checksum.
fn crc(bytes: &[u8]) -> u32 {
    const POLYNOMIAL: u32 = 0x04c1_1db7;
    bytes.iter().fold(u32::MAX, |crc, byte| {
        (0..8)
            .fold(crc ^ u32::from(*byte) << 24, |crc, _| if crc >> 31 == 1 { crc << 1 ^ POLYNOMIAL } else { crc << 1 })
    })
}

/// What a type of stream carries.
#[derive(PartialEq, Eq)]
enum Carries {
    Pictures,
    Sound,
    /// Neither: data for players and for those who insert advertisements.
    Data,
    /// Whatever its descriptors say: it may be sound.
    Anything,
}

fn carries(kind: u8) -> Carries {
    match kind {
        0x01 | 0x02 | 0x10 | 0x1b | 0x1e..=0x21 | 0x24 | 0x25 | 0x33 | 0xea => Carries::Pictures,
        0x03 | 0x04 | 0x0f | 0x11 | 0x1c | 0x80..=0x85 | 0x87 | 0x8a => Carries::Sound,
        0x05 | 0x08..=0x0d | 0x15..=0x19 | 0x86 => Carries::Data,
        _ => Carries::Anything,
    }
}

/// The map of the program: the type and place of each of its streams.
struct Map {
    streams: Vec<(u8, u16)>,
}

impl Map {
    fn of(table: &[u8]) -> Option<Self> {
        let table = table.strip_prefix(&[0x02])?;
        let length = u16::from_be_bytes([table.get(9)? & 0x0f, *table.get(10)?]);
        let mut rest = table.get(11 + usize::from(length)..)?;
        let mut streams = Vec::new(); // of a table that is bounded
        while let [kind, high, low, length_high, length_low, after @ ..] = rest {
            streams.push((*kind, u16::from_be_bytes([high & 0x1f, *low])));
            rest = after.get(usize::from(u16::from_be_bytes([length_high & 0x0f, *length_low]))..)?;
        }
        rest.is_empty().then_some(Self { streams })
    }

    /// The place of what is wanted.
    fn wanted(&self, of: Of) -> Result<u16, Unfit> {
        let (wanted, read) = match of {
            Of::Sound => (Carries::Sound, 0x0f),
            Of::Pictures => (Carries::Pictures, 0x1b),
        };
        let mut some = self.streams.iter().filter(|(kind, _)| carries(*kind) == wanted);
        match (some.next(), some.next()) {
            (Some(_), Some(_)) => Err(Unfit::Several(of)),
            (Some((kind, pid)), None) if *kind == read => Ok(*pid),
            (Some((kind, _)), None) => Err(Unfit::Kind { of, kind: *kind }),
            // One that may be anything may be just this: that there is none is not known then.
            (None, _) => match self.streams.iter().find(|(kind, _)| carries(*kind) == Carries::Anything) {
                Some((kind, _)) => Err(Unfit::Kind { of, kind: *kind }),
                None => Err(Unfit::Without(of)),
            },
        }
    }

    fn other(&self, of: Of) -> Option<u16> {
        let other = if of == Of::Sound { Carries::Pictures } else { Carries::Sound };
        self.streams.iter().find(|(kind, _)| carries(*kind) == other).map(|(_, pid)| *pid)
    }
}

/// The place of the program's map; none if there is no program, or more than one.
fn map_of(table: &[u8]) -> Option<u16> {
    let programs = table.strip_prefix(&[0x00])?.get(7..)?;
    let mut maps = programs.chunks_exact(4).filter(|program| program[..2] != [0, 0]);
    let map = maps.next()?;
    maps.next().is_none().then(|| u16::from_be_bytes([map[2] & 0x1f, map[3]]))
}

/// A segment being read, packet by packet.
struct Reading {
    of: Of,
    programs: Section,
    map: Option<(u16, Section)>,
    program: Option<Map>,
    wanted: Option<(u16, Stream)>,
    /// The other stream, of which only the first time matters.
    other: Option<(u16, Option<u64>)>,
}

impl Reading {
    fn take(&mut self, packet: &Transported<'_>, at: usize) -> Result<(), Unfit> {
        let damaged = |what| Unfit::Damaged { at, what };
        let of = |place: Option<u16>| place == Some(packet.pid);
        if packet.pid == PROGRAMS_PID {
            if let Some(table) = self.programs.take(packet).map_err(damaged)? {
                let pid = map_of(&table).ok_or_else(|| damaged("a table of programs with other than one"))?;
                match &self.map {
                    None => self.map = Some((pid, Section::default())),
                    Some((known, _)) if *known == pid => {}
                    Some(_) => return Err(damaged("another program begins")),
                }
            }
        } else if of(self.map.as_ref().map(|(pid, _)| *pid)) {
            let (_, section) = self.map.as_mut().expect("it was just compared");
            if let Some(table) = section.take(packet).map_err(damaged)? {
                let map = Map::of(&table).ok_or_else(|| damaged("a program's map that is none"))?;
                self.follow(map, at)?;
            }
        } else if of(self.wanted.as_ref().map(|(pid, _)| *pid)) {
            let (_, stream) = self.wanted.as_mut().expect("it was just compared");
            stream.take(packet).map_err(damaged)?;
        } else if let Some((pid, first @ None)) = &mut self.other
            && *pid == packet.pid
            && packet.starts
        {
            // The other stream's own faults are not this one's.
            *first = packet.payload.and_then(Head::of).and_then(|head| head.shown);
        }
        Ok(())
    }

    /// The map is there, for the first time or once more.
    fn follow(&mut self, map: Map, at: usize) -> Result<(), Unfit> {
        match &self.program {
            None => {
                self.wanted = Some((map.wanted(self.of)?, Stream::default()));
                self.other = map.other(self.of).map(|pid| (pid, None));
                self.program = Some(map);
                Ok(())
            }
            Some(known) if known.streams == map.streams => Ok(()),
            Some(_) => Err(Unfit::Damaged { at, what: "the program's streams change" }),
        }
    }

    fn end(self, bytes: usize) -> Result<Carried, Unfit> {
        let Some((_, stream)) = self.wanted else {
            return Err(Unfit::Damaged { at: bytes, what: "it ends without a program" });
        };
        stream.complete().map_err(|what| Unfit::Damaged { at: bytes, what })?;
        let of = self.of;
        // That the map names it and nothing of it came is no silence: it was lost, or sent elsewhere.
        let first = stream.packets.first().ok_or(Unfit::Unread { of, what: "its map names it, and none came" })?;
        let first = first.shown.ok_or(Unfit::Unread { of, what: "its first packet has no time" })?;
        let other = self.other.and_then(|(_, first)| first);
        let begins = other.map_or(0, |other| u64::try_from(after(other, first)).unwrap_or(0));
        Ok(Carried { packets: stream.packets, begins })
    }
}

/// By how much a time is after another, negative if it is before it; the nearest way around the count.
fn after(from: u64, to: u64) -> i64 {
    let round = 64 - TIME_BITS;
    (to.wrapping_sub(from) << round).cast_signed() >> round
}

/// An elementary stream, put together.
#[derive(Default)]
struct Stream {
    order: Order,
    packets: Vec<Packet>,
    /// The bytes that the packet under way must have when it is whole, where it says so.
    expected: Option<usize>,
    /// The last time that was said, not wrapped around.
    time: Option<u64>,
}

impl Stream {
    fn take(&mut self, packet: &Transported<'_>) -> Result<(), &'static str> {
        let Some(payload) = packet.payload else { return Ok(()) };
        if !self.order.is_next(packet)? {
            return Ok(());
        }
        if !packet.starts {
            let under_way = self.packets.last_mut().ok_or("it begins in the middle of a stream's packet")?;
            under_way.bytes.extend(payload);
            return Ok(());
        }
        self.complete()?;
        let head = Head::of(payload).ok_or("a stream's packet without a head")?;
        let decoded = head.decoded.or(head.shown).map(|raw| self.unwrapped(raw));
        let shown = head.shown.zip(decoded).map(|(shown, decoded)| {
            let base = head.decoded.unwrap_or(shown);
            decoded.saturating_add_signed(after(base, shown))
        });
        self.expected = head.bytes;
        self.packets.push(Packet { shown, decoded, bytes: head.rest.to_vec() });
        Ok(())
    }

    fn complete(&self) -> Result<(), &'static str> {
        match (self.packets.last(), self.expected) {
            (Some(packet), Some(expected)) if packet.bytes.len() != expected => {
                Err("a stream's packet that is not as long as it says")
            }
            _ => Ok(()),
        }
    }

    fn unwrapped(&mut self, raw: u64) -> u64 {
        // From the middle of all that a number holds, so that nothing is before its beginning.
        let time = match self.time {
            None => (1 << 40) + raw,
            Some(last) => last.saturating_add_signed(after(last, raw)),
        };
        self.time = Some(time);
        time
    }
}

/// The head of a stream's packet.
struct Head<'a> {
    shown: Option<u64>,
    decoded: Option<u64>,
    /// The bytes after the head, where it says how many: pictures may not.
    bytes: Option<usize>,
    rest: &'a [u8],
}

impl<'a> Head<'a> {
    fn of(payload: &'a [u8]) -> Option<Self> {
        let [0, 0, 1, _, long_high, long_low, mark, flags, length, after @ ..] = payload else { return None };
        if mark & 0xc0 != 0x80 {
            return None;
        }
        let (fields, rest) = after.split_at_checked(usize::from(*length))?;
        let (shown, decoded) = match flags >> 6 {
            0b00 => (None, None),
            0b10 => (Some(time(fields.get(..5)?)?), None),
            0b11 => (Some(time(fields.get(..5)?)?), Some(time(fields.get(5..10)?)?)),
            _ => return None, // forbidden
        };
        let long = usize::from(u16::from_be_bytes([*long_high, *long_low]));
        let bytes = match long {
            0 => None,
            _ => Some(long.checked_sub(3 + usize::from(*length))?),
        };
        Some(Self { shown, decoded, bytes, rest })
    }
}

/// A time: 33 bits with three marks among them.
fn time(field: &[u8]) -> Option<u64> {
    let &[a, b, c, d, e] = field else { return None };
    if a & c & e & 1 == 0 {
        return None;
    }
    let [a, b, c, d, e] = [a, b, c, d, e].map(u64::from);
    Some((a >> 1 & 0x07) << 30 | b << 22 | (c >> 1) << 15 | d << 7 | e >> 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checksum_of_a_table_with_its_own_is_nothing() {
        // A table of one program, as ffmpeg writes it.
        let table = [0x00, 0xb0, 0x0d, 0x00, 0x01, 0xc1, 0x00, 0x00, 0x00, 0x01, 0xf0, 0x00, 0x2a, 0xb1, 0x04, 0xb2];
        assert_eq!(crc(&table), 0);
        assert_eq!(map_of(&table[..12]), Some(0x1000));
    }

    #[test]
    fn times_go_on_across_the_end_of_their_count() {
        let end = (1 << TIME_BITS) - 1;
        assert_eq!((after(end, 2), after(2, end), after(5, 5)), (3, -3, 0));
        let mut stream = Stream::default();
        let first = stream.unwrapped(end);
        assert_eq!([stream.unwrapped(1) - first, stream.unwrapped(90_001) - first], [2, 90_002]);
    }

    #[test]
    fn a_stream_of_which_nobody_says_what_it_is_may_be_sound() {
        let map = |streams: &[(u8, u16)]| Map { streams: streams.to_vec() };
        assert_eq!(map(&[(0x1b, 256), (0x0f, 257), (0x15, 258)]).wanted(Of::Sound), Ok(257));
        assert_eq!(map(&[(0x1b, 256), (0x15, 258)]).wanted(Of::Sound), Err(Unfit::Without(Of::Sound)));
        assert_eq!(map(&[(0x1b, 256), (0x06, 257)]).wanted(Of::Sound), Err(Unfit::Kind { of: Of::Sound, kind: 6 }));
        assert_eq!(map(&[(0x81, 256)]).wanted(Of::Sound), Err(Unfit::Kind { of: Of::Sound, kind: 0x81 }));
        assert_eq!(map(&[(0x0f, 256), (0x0f, 257)]).wanted(Of::Sound), Err(Unfit::Several(Of::Sound)));
        assert_eq!(map(&[(0x24, 256)]).wanted(Of::Pictures), Err(Unfit::Kind { of: Of::Pictures, kind: 0x24 }));
    }
}

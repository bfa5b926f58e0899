//! Decode + hash against Pillow + `imagehash.phash` and against the best C way (OpenCV at 1/8 + PHash), and whether the
//! decisions taken from our hashes are as good.
//!
//! `cargo bench --bench imaging`. Both sides run over the same files in turns, round by round, each by the CPU time of
//! its own thread; a figure is the median of the rounds. The other side is `imaging_peer.py` in a virtual environment
//! `.venv`, made on first use; without it there is nothing to compare with, and the bench fails saying so.
//! `-- --films` compares decisions on films only, which needs no optimised build.
//! The pictures are made from the public-domain photographs of scikit-image, with generated noise, pans, zooms, cuts. The
//! limits of the decisions were chosen on these; beside them stand films on which nothing was chosen, each by itself.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use rustix::time::{ClockId, clock_gettime};
use serde::de::DeserializeOwned;
use streamwarden::imaging::dc_jpeg::{self, Coding, Header};
use streamwarden::imaging::{Algorithm, Imaging, Limits, Measured, Plane, Scratch};
use streamwarden::model::{LumaDelta, Sha256};

const ROUNDS: usize = 7;
/// Every so manieth frame of a set is timed: a round must be short for the sides to meet the same weather.
const TIMED_EVERY: usize = 6;
const SIZES: [&str; 3] = ["1080", "720", "360"];
const PACKAGES: [&str; 5] = ["Pillow", "imagehash", "opencv-contrib-python-headless", "numpy", "scikit-image"];

fn main() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folder = root.join("target/bench-imaging");
    std::fs::create_dir_all(&folder).expect("the folder for the pictures can be made");
    let mut peer = Peer::start(&python(root), &root.join("benches/imaging_peer.py"), &folder);
    println!("peer: {}", peer.ask::<String>("versions"));
    if !asked_for("--films") {
        let sets: Vec<String> = peer.ask("prepare");
        equality(&mut peer, &folder, &sets);
        speed(&mut peer, &folder);
        decisions(&mut peer, &folder);
    }
    held_out(&mut peer, &folder);
}

fn asked_for(word: &str) -> bool {
    std::env::args().any(|argument| argument == word)
}

/// The interpreter of `.venv`, made if it is not there.
fn python(root: &Path) -> PathBuf {
    let venv = root.join(".venv");
    let python = venv.join("bin/python");
    if !python.exists() {
        println!("making .venv with {}", PACKAGES.join(", "));
        run(Command::new("python3").args(["-m", "venv"]).arg(&venv));
        run(Command::new(&python).args(["-m", "pip", "install", "--quiet"]).args(PACKAGES));
    }
    python
}

fn run(command: &mut Command) {
    let done = command.status();
    assert!(
        done.as_ref().is_ok_and(|status| status.success()),
        "NO PEER TO COMPARE WITH: {command:?} should succeed: {done:?}"
    );
}

struct Peer {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Peer {
    fn start(python: &Path, script: &Path, folder: &Path) -> Self {
        let mut command = Command::new(python);
        command.arg(script).arg(folder).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap_or_else(|error| panic!("NO PEER TO COMPARE WITH: {command:?}: {error}"));
        let (input, output) = (child.stdin.take().expect("piped"), child.stdout.take().expect("piped"));
        Self { child, input, output: BufReader::new(output) }
    }

    fn ask<T: DeserializeOwned>(&mut self, command: &str) -> T {
        let mut answer = String::new();
        let told = writeln!(self.input, "{command}").and_then(|()| self.output.read_line(&mut answer));
        told.unwrap_or_else(|error| panic!("NO PEER TO COMPARE WITH: {command:?} is not answered: {error}"));
        serde_json::from_str(&answer)
            .unwrap_or_else(|error| panic!("NO PEER TO COMPARE WITH: {command:?} is answered {answer:?}: {error}"))
    }
}

impl Peer {
    /// Pillow's hashes of a set.
    fn hashes(&mut self, set: &str) -> Vec<u64> {
        let hashes: Vec<String> = self.ask(&format!("phash {set}"));
        hashes.iter().map(|hash| u64::from_str_radix(hash, 16).expect("hexadecimal")).collect()
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The files of a set with the scene that each shows.
fn files(folder: &Path, set: &str) -> Vec<(u32, Vec<u8>)> {
    let mut paths: Vec<_> =
        std::fs::read_dir(folder.join(set)).expect("made above").map(|entry| entry.expect("readable").path()).collect();
    paths.sort();
    let scene = |path: &PathBuf| {
        let stem = path.file_stem()?.to_str()?;
        stem.rsplit('-').next()?.parse().ok()
    };
    paths.iter().map(|path| (scene(path).expect("named so"), std::fs::read(path).expect("readable"))).collect()
}

fn equality(peer: &mut Peer, folder: &Path, sets: &[String]) {
    let (mut equal, mut all) = (0, 0);
    let (mut scratch, mut plane) = (dc_jpeg::Scratch::default(), Plane::default());
    for set in sets {
        let theirs: Vec<String> = peer.ask(&format!("planes {set}"));
        for ((_, file), theirs) in files(folder, set).iter().zip(&theirs) {
            let header = Header::read(file).expect("a sound JPEG");
            let Coding::Sequential(scan) = &header.coding else { panic!("{:?}", header.coding) };
            dc_jpeg::decode(file, &header, scan, &mut scratch, &mut plane).expect("a sound JPEG");
            let bytes: Vec<u8> = plane.rows().flatten().copied().collect();
            equal += usize::from(Sha256::of(&bytes).to_string() == *theirs);
            all += 1;
        }
    }
    println!("\n1/8 planes equal to Pillow's draft: {equal} of {all}");
}

fn speed(peer: &mut Peer, folder: &Path) {
    let ours = [Algorithm::MedianDct, Algorithm::Phash].map(|algorithm| Imaging::new(Limits::default(), algorithm));
    let mut scratch = Scratch::default();
    println!("\nCPU µs per frame, median of {ROUNDS} rounds");
    println!(
        "{:<16} {:>6} {:>10} {:>9} {:>9} {:>10} {:>9} | {:>9} {:>9}",
        "set", "KB", "median-dct", "+sha256", "phash", "Pillow", "OpenCV", "/Pillow", "/OpenCV"
    );
    for set in SIZES.iter().flat_map(|size| [size.to_string(), format!("{size}-own-tables")]) {
        let files: Vec<_> = files(folder, &set).into_iter().step_by(TIMED_EVERY).map(|(_, file)| file).collect();
        let mut rounds: [Vec<f64>; 5] = Default::default();
        for _ in 0..ROUNDS {
            rounds[0].push(per_frame(&files, |file| drop(ours[0].perceive(file, &mut scratch).expect("sound"))));
            rounds[3].push(peer.ask::<f64>(&format!("time pillow {set} {TIMED_EVERY}")));
            rounds[1].push(per_frame(&files, |file| drop(ours[0].measure(file, &mut scratch).expect("sound"))));
            rounds[4].push(peer.ask::<f64>(&format!("time opencv {set} {TIMED_EVERY}")));
            rounds[2].push(per_frame(&files, |file| drop(ours[1].perceive(file, &mut scratch).expect("sound"))));
        }
        let [default, digest, phash, pillow, opencv] = rounds.map(|mut round| {
            round.sort_by(f64::total_cmp);
            round[ROUNDS / 2] / 1000.0
        });
        let kilobytes = files.iter().map(Vec::len).sum::<usize>() as f64 / files.len() as f64 / 1000.0;
        println!(
            "{set:<16} {kilobytes:>6.0} {default:>10.0} {digest:>9.0} {phash:>9.0} {pillow:>10.0} {opencv:>9.0} | {:>8.1}x {:>8.2}x",
            pillow / default,
            opencv / default
        );
    }
}

fn per_frame(files: &[Vec<u8>], mut look: impl FnMut(&[u8])) -> f64 {
    let started = thread_ns();
    for file in files {
        look(file);
    }
    (thread_ns() - started) as f64 / files.len() as f64
}

fn thread_ns() -> i64 {
    let now = clock_gettime(ClockId::ThreadCPUTime);
    now.tv_sec * 1_000_000_000 + now.tv_nsec
}

/// The rule proposed to the warden. Of a flat slate every bit but the first is noise (up to 36 of 64 differ with
/// ours, 38 with Pillow + imagehash), so below half a grey level the hash is not asked.
fn similar(a: &Measured, b: &Measured) -> bool {
    let bits = a.hash.distance(b.hash).expect("of one algorithm");
    let luma = a.plane.delta(&b.plane).0;
    luma < 2000 && (luma <= 50 || bits <= 10 || (luma <= 200 && bits <= 20))
}

fn decisions(peer: &mut Peer, folder: &Path) {
    println!("\nneighbouring frames: similar or not");
    println!(
        "{:<8} {:<12} {:>6} {:>14} {:>12} {:>12} {:>14} {:>13} {:>15}",
        "set",
        "hash",
        "pairs",
        "as Pillow's",
        "cuts missed",
        "by Pillow",
        "repeats sent",
        "by Pillow",
        "least cut luma"
    );
    for set in ["1080", "720", "360", "dark", "slates"] {
        let seed = peer.hashes(set);
        let frames = files(folder, set);
        for (name, algorithm) in [("median-dct-v1", Algorithm::MedianDct), ("phash-v1", Algorithm::Phash)] {
            let (imaging, mut scratch) = (Imaging::new(Limits::default(), algorithm), Scratch::default());
            let measured: Vec<_> =
                frames.iter().map(|(_, file)| imaging.measure(file, &mut scratch).expect("sound")).collect();
            let mut tally = Tally::default();
            for at in 1..frames.len() {
                let cut = frames[at].0 != frames[at - 1].0;
                let by_seed = (seed[at] ^ seed[at - 1]).count_ones() <= 10;
                let ours = similar(&measured[at], &measured[at - 1]);
                tally.count(cut, ours, by_seed);
                if cut {
                    let luma = measured[at].plane.delta(&measured[at - 1].plane);
                    tally.least_of_cuts = Some(tally.least_of_cuts.map_or(luma, |least| least.min(luma)));
                }
                if asked_for("--pairs") && (ours != by_seed || ours == cut) {
                    println!(
                        "  {set} {at}: cut {cut}, {:?} bits, luma {}, Pillow {} bits",
                        measured[at].hash.distance(measured[at - 1].hash).expect("of one algorithm"),
                        measured[at].plane.delta(&measured[at - 1].plane),
                        (seed[at] ^ seed[at - 1]).count_ones()
                    );
                }
            }
            let least = tally.least_of_cuts.map_or("-".into(), |luma| luma.to_string());
            println!(
                "{set:<8} {name:<12} {:>6} {:>13.1}% {:>12} {:>12} {:>14} {:>13} {least:>15}",
                tally.pairs,
                tally.agreed as f64 * 100.0 / tally.pairs as f64,
                tally.missed,
                tally.missed_by_seed,
                tally.sent,
                tally.sent_by_seed
            );
        }
    }
}

/// Sets on which no limit was chosen, and whether they count into the pooled figures.
const HELD_OUT: [(&str, bool); 7] = [
    ("films-1080", true),
    ("films-720", true),
    ("films-360", true),
    ("films-dark", false),
    ("frozen-1080", false),
    ("frozen-720", false),
    ("frozen-360", false),
];

/// Decisions on films and still pictures on which no limit was chosen, film by film. The cut from one film to the next
/// counts for the one it leads to.
fn held_out(peer: &mut Peer, folder: &Path) {
    let films: Vec<String> = peer.ask("prepare-films");
    println!("\nfootage that nothing was chosen on: neighbouring frames, similar or not");
    println!(
        "{:<12} {:<14} {:<20} {:>6} {:>12} {:>5} {:>12} {:>10} {:>13} {:>10} {:>13}",
        "set",
        "hash",
        "film",
        "pairs",
        "as Pillow's",
        "cuts",
        "cuts missed",
        "by Pillow",
        "repeats sent",
        "by Pillow",
        "same by luma"
    );
    for (name, algorithm) in [("median-dct-v1", Algorithm::MedianDct), ("phash-v1", Algorithm::Phash)] {
        let (imaging, mut scratch) = (Imaging::new(Limits::default(), algorithm), Scratch::default());
        let mut pooled = Tally::default();
        for (set, counts) in HELD_OUT {
            let (seed, frames) = (peer.hashes(set), files(folder, set));
            let measured: Vec<_> =
                frames.iter().map(|(_, file)| imaging.measure(file, &mut scratch).expect("sound")).collect();
            let of_films = set.starts_with("films");
            let mut tallies = vec![Tally::default(); if of_films { films.len() } else { 1 }];
            for at in 1..frames.len() {
                let (now, before) = (&measured[at], &measured[at - 1]);
                let bits = now.hash.distance(before.hash).expect("of one algorithm");
                let ours = similar(now, before);
                let pair =
                    Tally::of(frames[at].0 != frames[at - 1].0, ours, (seed[at] ^ seed[at - 1]).count_ones() <= 10);
                let pair = Tally { by_luma: usize::from(ours && bits > 10), ..pair };
                tallies[if of_films { frames[at].0 as usize / 10 } else { 0 }].add(&pair);
                if counts {
                    pooled.add(&pair);
                }
                if asked_for("--pairs") && pair.agreed == 0 {
                    let luma = now.plane.delta(&before.plane);
                    let theirs = (seed[at] ^ seed[at - 1]).count_ones();
                    println!("  {set} {at}: cut {}, {bits} bits, luma {luma}, Pillow {theirs} bits", pair.cuts);
                }
            }
            let mut whole = Tally::default();
            for (film, tally) in tallies.iter().enumerate() {
                tally.print(set, name, if of_films { &films[film] } else { "still pictures" });
                whole.add(tally);
            }
            if of_films {
                whole.print(set, name, "all");
            }
        }
        pooled.print("pooled", name, "1080, 720, 360");
    }
}

#[derive(Default, Clone)]
struct Tally {
    pairs: usize,
    agreed: usize,
    missed: usize,
    missed_by_seed: usize,
    sent: usize,
    sent_by_seed: usize,
    least_of_cuts: Option<LumaDelta>,
    cuts: usize,
    by_luma: usize,
}

impl Tally {
    fn count(&mut self, cut: bool, ours: bool, by_seed: bool) {
        self.pairs += 1;
        self.agreed += usize::from(ours == by_seed);
        self.missed += usize::from(cut && ours);
        self.missed_by_seed += usize::from(cut && by_seed);
        self.sent += usize::from(!cut && !ours);
        self.sent_by_seed += usize::from(!cut && !by_seed);
    }
    /// One pair.
    fn of(cut: bool, ours: bool, by_seed: bool) -> Self {
        let mut pair = Self { cuts: usize::from(cut), ..Self::default() };
        pair.count(cut, ours, by_seed);
        pair
    }

    fn add(&mut self, other: &Self) {
        self.pairs += other.pairs;
        self.agreed += other.agreed;
        self.missed += other.missed;
        self.missed_by_seed += other.missed_by_seed;
        self.sent += other.sent;
        self.sent_by_seed += other.sent_by_seed;
        self.cuts += other.cuts;
        self.by_luma += other.by_luma;
    }

    fn print(&self, set: &str, hash: &str, film: &str) {
        println!(
            "{set:<12} {hash:<14} {film:<20} {:>6} {:>11.1}% {:>5} {:>12} {:>10} {:>13} {:>10} {:>13}",
            self.pairs,
            self.agreed as f64 * 100.0 / self.pairs as f64,
            self.cuts,
            self.missed,
            self.missed_by_seed,
            self.sent,
            self.sent_by_seed,
            self.by_luma
        );
    }
}

//! Figures in words: durations, shares, counts, as a person reads them.

/// A count with thin groups of three digits.
pub(in crate::laboratory) fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// A duration in its two largest units that matter: `840 ms`, `12.5 s`, `3 min 20 s`, `2 h 5 min`.
pub(in crate::laboratory) fn duration(ms: u64) -> String {
    let (seconds, minutes, hours) = (ms / 1000, ms / 60_000, ms / 3_600_000);
    match ms {
        0..1000 => format!("{ms} ms"),
        1000..60_000 if !ms.is_multiple_of(1000) => format!("{seconds}.{} s", ms % 1000 / 100),
        1000..60_000 => format!("{seconds} s"),
        60_000..3_600_000 if !seconds.is_multiple_of(60) => format!("{minutes} min {} s", seconds % 60),
        60_000..3_600_000 => format!("{minutes} min"),
        _ if !minutes.is_multiple_of(60) => format!("{hours} h {} min", minutes % 60),
        _ => format!("{hours} h"),
    }
}

/// A change of time: `12 s sooner`, `3 s later`, `the same`.
pub(in crate::laboratory) fn change(ms: i64) -> String {
    match ms {
        0 => "the same".to_owned(),
        ms if ms < 0 => format!("{} sooner", duration(ms.unsigned_abs())),
        ms => format!("{} later", duration(ms.unsigned_abs())),
    }
}

/// Thousandths as percent, or a dash.
pub(in crate::laboratory) fn share(permille: Option<u32>) -> String {
    permille.map_or("–".to_owned(), |permille| format!("{}.{} %", permille / 10, permille % 10))
}

/// How many of what, in the right number.
pub(in crate::laboratory) fn of(number: u64, one: &str, many: &str) -> String {
    format!("{} {}", count(number), if number == 1 { one } else { many })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_read_as_people_say_them() {
        assert_eq!([0, 999, 1000, 1_234_567].map(count), ["0", "999", "1,000", "1,234,567"]);
        let said = [840, 12_500, 60_000, 200_000, 7_200_000, 7_500_000].map(duration);
        assert_eq!(said, ["840 ms", "12.5 s", "1 min", "3 min 20 s", "2 h", "2 h 5 min"]);
        assert_eq!([-12_000, 0, 3000].map(change), ["12 s sooner", "the same", "3 s later"]);
        assert_eq!((share(Some(987)), share(None)), ("98.7 %".to_owned(), "–".to_owned()));
    }
}

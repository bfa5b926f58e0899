//! Frames from a Kinesis stream to durable outcomes, and a picture from the bucket to the notice of it.
//!
//! Kinesis is the tests' own stand-in and S3 a server of one picture, both in a process beside this one and reached by
//! the official SDK; the provider answers after 300 ms and has no quota. The stand-in's own ceiling is measured first, by
//! reading alone. The notice is measured through the emulator of S3, EventBridge, Kinesis, SNS and SQS that the tests
//! use. Prints a table; asserts only that nothing was lost.
//!
//! `KINESIS_SECONDS=10` sets how long the loads last (default 60). Sizes and CPU are of processes, so each part runs in
//! one of its own: this program starts itself once per part.

mod notice;
#[path = "../../tests/aws/queue.rs"]
#[allow(dead_code, clippy::unwrap_used)] // the tests' own: they use all of it, and fail by unwrap
mod queue;
#[path = "../../tests/aws/standin/mod.rs"]
#[allow(clippy::unwrap_used)] // as above
mod standin;
#[path = "../../tests/aws/standins.rs"]
#[allow(clippy::unwrap_used)] // as above
mod standins;
mod stream;
mod world;

use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use streamwarden::model::ProviderRef;
use streamwarden::providers::{Answer, Assessing, Provider};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc; // as in the program

/// Names the part to run, in the process started for it.
const PART: &str = "KINESIS_PART";

const PARTS: &[(&str, fn())] = &[
    ("the stand-in alone", stream::ceiling),
    ("1,000/s, 10 % judged", || stream::load(1_000, stream::Judged::Tenth)),
    ("500/s, 10 % judged", || stream::load(500, stream::Judged::Tenth)),
    ("1,000/s, all judged", || stream::load(1_000, stream::Judged::All)),
    ("2,000/s, all judged", || stream::load(2_000, stream::Judged::All)),
    ("3,500/s, all judged", || stream::load(3_500, stream::Judged::All)), // four shards take 4,000 records a second
    ("object to notice", notice::notice),
];

fn main() {
    match std::env::var(PART) {
        Ok(wanted) if wanted == world::PART => world::run(),
        Ok(wanted) => PARTS.iter().find(|(name, _)| *name == wanted).expect("a part of this table").1(),
        Err(_) => {
            let this = std::env::current_exe().expect("this program is a file");
            for (name, _) in PARTS {
                let status = Command::new(&this).env(PART, name).status().expect("this program starts");
                assert!(status.success(), "{name} broke: {status}");
            }
        }
    }
}

fn row(what: &str, figure: impl std::fmt::Display) {
    let part = std::env::var(PART).unwrap_or_default();
    println!("| {part} | {what} | {figure} |");
}

/// The value below which such a share of them lies.
fn quantile(sorted: &[Duration], share: f64) -> String {
    let at = ((sorted.len() as f64 * share).ceil() as usize).clamp(1, sorted.len()) - 1;
    format!("{:.1} ms", sorted[at].as_secs_f64() * 1000.0)
}

/// A provider that takes its time and sees nothing, or one thing.
struct Slow {
    takes: Duration,
    sees: Option<(&'static str, f64)>,
}

impl Provider for Slow {
    fn reference(&self) -> ProviderRef {
        ProviderRef { name: "slow".into(), model: "bench".into(), taxonomy: "rekognition/7.0".into() }
    }

    fn assess(&self, _: Arc<[u8]>) -> Assessing<'_> {
        use streamwarden::model::{Confidence, Label, LabelPath};
        Box::pin(async move {
            tokio::time::sleep(self.takes).await;
            let label = |(path, percent): (&str, f64)| {
                Label(LabelPath::new(path).expect("a path"), Confidence::from_percent(percent).expect("a percentage"))
            };
            let labels = self.sees.map(label).into_iter().collect();
            Ok(Answer::of(self.reference(), labels))
        })
    }
}

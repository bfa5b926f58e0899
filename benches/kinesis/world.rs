//! The process beside: the stand-in for Kinesis, what puts records into it, and a server of one picture.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use actix_web::{App, HttpResponse, HttpServer, web};
use serde_json::json;
use streamwarden::model::Timestamp;

use crate::standin::Standin;

/// The part that is this process.
pub const PART: &str = "beside";
pub const STREAM: &str = "frames";
/// A channel shows a frame every so often, whatever the rate: there are as many channels as that takes.
const EVERY: Duration = Duration::from_secs(5);
/// Records are put so often.
const TICK: Duration = Duration::from_millis(10);

/// Serves until its standard input ends. Commands come by line, answers go by line.
pub fn run() {
    let standin = Arc::new(Standin::start());
    println!("{} {}", standin.address, pictures());
    for line in std::io::stdin().lines().map_while(Result::ok) {
        let words: Vec<&str> = line.split(' ').collect();
        let number = |at: usize| words[at].parse::<u64>().expect("a number");
        match words[0] {
            "create" => {
                let mut world = standin.world();
                world.create(STREAM, number(1) as usize);
                world.metered = words[2] == "metered";
            }
            "first" => first(&standin, number(1), Timestamp::from_millis(number(2) as i64)),
            "put" => put(&standin, number(1), number(2), Timestamp::from_millis(number(3) as i64)),
            other => panic!("{other} is no command"),
        }
        println!("done");
    }
}

/// The first frame of each channel, taken at such times that from `start` on a tenth of them is due at any time.
fn first(standin: &Standin, channels: u64, start: Timestamp) {
    let mut world = standin.world();
    for channel in 0..channels {
        let before = Duration::from_secs(50) - EVERY * (channel % 10) as u32;
        let at = start.minus_ms(before.as_millis() as u64).plus_ms(offset_ms(channel, channels));
        assert!(world.put(STREAM, &channel.to_string(), None, notification(channel, 0, at)).is_ok());
    }
}

/// Puts the channels' frames from `start` on, evenly, for so many rounds. Says how long that took.
fn put(standin: &Standin, channels: u64, rounds: u64, start: Timestamp) {
    let (begun, total) = (Instant::now(), channels * rounds);
    let mut done = 0;
    while done < total {
        let due = ((begun.elapsed().as_secs_f64() / EVERY.as_secs_f64()) * channels as f64) as u64;
        {
            let mut world = standin.world();
            while done < due.min(total) {
                let (channel, round) = (done % channels, done / channels);
                let at = start.plus_ms(round * EVERY.as_millis() as u64 + offset_ms(channel, channels));
                let put = world.put(STREAM, &channel.to_string(), None, notification(channel, round + 1, at));
                assert!(put.is_ok());
                done += 1;
            }
        }
        std::thread::sleep(TICK);
    }
    println!("{}", begun.elapsed().as_millis());
}

fn offset_ms(channel: u64, channels: u64) -> u64 {
    channel * EVERY.as_millis() as u64 / channels
}

fn notification(channel: u64, number: u64, captured_at: Timestamp) -> Vec<u8> {
    let said = json!({ "frame": {
        "channel": format!("ch-{channel}"), "session": "st-bench", "number": number, "captured_at": captured_at,
        "bucket": "pictures", "key": "picture.jpg",
    }});
    said.to_string().into_bytes()
}

/// Answers every request with the same picture. Says where.
fn pictures() -> String {
    let (started, starting) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        actix_web::rt::System::new().block_on(async move {
            let picture = web::Bytes::from_static(include_bytes!("../../tests/imaging/data/411-96x72.jpg"));
            let server = HttpServer::new(move || {
                let picture = picture.clone();
                App::new().default_service(web::to(move || {
                    let picture = picture.clone();
                    async move { HttpResponse::Ok().insert_header(("ETag", "\"1\"")).body(picture) }
                }))
            });
            let server = server.workers(1).disable_signals().bind(("127.0.0.1", 0)).expect("a free port");
            started.send(format!("http://{}", server.addrs()[0])).expect("somebody waits");
            server.run().await.expect("it serves");
        });
    });
    starting.recv().expect("it starts")
}

/// The process beside, as the one that measures sees it.
pub struct Beside {
    child: Child,
    stdin: ChildStdin,
    stdout: BufReader<ChildStdout>,
    pub kinesis: String,
    pub s3: String,
}

impl Beside {
    pub fn start() -> Self {
        let this = std::env::current_exe().expect("this program is a file");
        let mut child = Command::new(this)
            .env(crate::PART, PART)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("this program starts");
        let (stdin, stdout) = (child.stdin.take().expect("piped"), child.stdout.take().expect("piped"));
        let mut stdout = BufReader::new(stdout);
        let line = read_line(&mut stdout);
        let (kinesis, s3) = line.split_once(' ').expect("two addresses");
        let (kinesis, s3) = (kinesis.to_owned(), s3.to_owned());
        Self { child, stdin, stdout, kinesis, s3 }
    }

    /// Gives a command and waits until it is carried out; says what it said. Blocks.
    pub fn tell(&mut self, command: &str) -> Vec<String> {
        writeln!(self.stdin, "{command}").expect("it listens");
        let mut said = Vec::new();
        loop {
            match read_line(&mut self.stdout) {
                line if line == "done" => return said,
                line => said.push(line),
            }
        }
    }

    /// The CPU time it has taken.
    pub fn cpu(&self) -> Duration {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id())).expect("it lives");
        let after_name = stat.rsplit_once(')').expect("a name in brackets").1;
        let ticks = |at: usize| after_name.split_whitespace().nth(at).and_then(|n| n.parse::<u64>().ok()).unwrap_or(0);
        Duration::from_millis((ticks(11) + ticks(12)) * 10) // of a hundredth of a second
    }
}

fn read_line(from: &mut BufReader<ChildStdout>) -> String {
    let mut line = String::new();
    from.read_line(&mut line).expect("it says something");
    assert!(!line.is_empty(), "the process beside ended");
    line.trim().to_owned()
}

impl Drop for Beside {
    fn drop(&mut self) {
        let _ = self.child.kill(); // it may have ended
        let _ = self.child.wait();
    }
}

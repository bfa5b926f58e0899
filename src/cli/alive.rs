//! `streamwarden alive`: whether a server answers, for a container's health check. An image without a shell has nothing
//! else to ask with. Whether the server can do its work is another question, which `/readyz` answers.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use anyhow::Context;
use clap::Args;

/// How long each step may take: the connection, the question, the answer. A container's health check waits longer.
const STEP_TIME: Duration = Duration::from_secs(1);
/// What a server that is up begins its answer with, by HTTP 1.1.
const UP: &[u8] = b"HTTP/1.1 200 ";

/// What asking can be told.
#[derive(Debug, Args)]
pub(super) struct AliveArgs {
    /// Where the server listens, as `listen.address` says; a container asks its own loopback.
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:8642")]
    address: SocketAddr,
}

/// Says nothing if the server is up.
pub(super) fn run(args: &AliveArgs) -> anyhow::Result<()> {
    let address = args.address;
    let answer = ask(address).with_context(|| format!("asking {address} whether it is up"))?;
    anyhow::ensure!(answer == UP, "{address} does not say that it is up: its answer begins with {}", shown(&answer));
    Ok(())
}

/// The beginning of the answer, as long as [`UP`] is, or shorter if it ended before.
fn ask(address: SocketAddr) -> io::Result<Vec<u8>> {
    let mut connection = TcpStream::connect_timeout(&address, STEP_TIME)?;
    connection.set_read_timeout(Some(STEP_TIME))?;
    connection.set_write_timeout(Some(STEP_TIME))?;
    write!(connection, "GET /healthz HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n")?;
    let mut answer = Vec::with_capacity(UP.len());
    connection.take(UP.len() as u64).read_to_end(&mut answer)?;
    Ok(answer)
}

fn shown(answer: &[u8]) -> String {
    format!("{:?}", String::from_utf8_lossy(answer))
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    /// What is said of a server that answers so, and what it was asked.
    fn asked(answer: &'static str) -> (anyhow::Result<()>, String) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let server = std::thread::spawn(move || {
            let (mut connection, _) = listener.accept().unwrap();
            let mut question = Vec::new();
            while !question.ends_with(b"\r\n\r\n") {
                let mut byte = [0];
                connection.read_exact(&mut byte).unwrap();
                question.push(byte[0]);
            }
            connection.write_all(answer.as_bytes()).unwrap();
            String::from_utf8(question).unwrap()
        });
        (run(&AliveArgs { address }), server.join().unwrap())
    }

    #[test]
    fn only_a_server_that_says_so_is_up() {
        let (said, question) = asked("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n");
        said.unwrap();
        assert!(question.starts_with("GET /healthz HTTP/1.1\r\n"), "{question}");
        for answer in ["HTTP/1.1 503 Service Unavailable\r\n\r\n", "HTTP/1.1 20", "", "SSH-2.0-OpenSSH\r\n"] {
            let (said, _) = asked(answer);
            assert!(said.unwrap_err().to_string().contains("does not say that it is up"), "{answer}");
        }
    }

    #[test]
    fn a_port_where_nobody_listens_is_not_up() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        drop(listener);
        assert!(run(&AliveArgs { address }).unwrap_err().to_string().contains(&address.to_string()));
    }
}

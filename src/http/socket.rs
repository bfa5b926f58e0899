//! A second handle on each connection's socket, for what the server's own handle cannot do: end a connection while the
//! server waits for it to take data, or to send the rest of a body that nobody reads.

use std::any::Any;
use std::net::{Shutdown, TcpStream};
use std::os::fd::AsFd;
use std::sync::Arc;

use actix_web::dev::Extensions;

/// A connection's socket, to be hung up on.
pub(in crate::http) struct Socket(TcpStream);

impl Socket {
    /// Keeps one with the connection. Called for each new connection of the server.
    pub fn keep(connection: &dyn Any, extensions: &mut Extensions) {
        let Some(stream) = connection.downcast_ref::<actix_web::rt::net::TcpStream>() else { return };
        match stream.as_fd().try_clone_to_owned() {
            Ok(handle) => drop(extensions.insert(Arc::new(Self(handle.into())))),
            Err(error) => tracing::warn!("a connection cannot be hung up on should it stall: {error}"),
        }
    }

    /// Ends the connection, whatever it waits for.
    pub fn hang_up(&self) {
        let _ = self.0.shutdown(Shutdown::Both); // gone already is as good
    }
}

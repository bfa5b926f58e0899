//! A body must be there within a time. Without it, who sends a byte now and then holds a handler, and the connection
//! after it, for as long as they like.

use std::cell::Cell;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use actix_web::dev::Payload;
use actix_web::error::PayloadError;
use actix_web::web::Bytes;
use futures_util::Stream;
use tokio::time::{Instant, Sleep};

use super::socket::Socket;

/// How long an answer has to get through to a caller that is still sending.
const LINGER: Duration = Duration::from_secs(1);

/// What is known of a request's body once the request is answered.
pub(in crate::http) struct Body {
    ended: Rc<Cell<bool>>,
    deadline: Instant,
}

impl Body {
    /// Whether the answer came before the body's end.
    pub fn is_under_way(&self) -> bool {
        !self.ended.get()
    }

    /// Ends the connection when the body's time is up. The server itself would wait for the rest of a body that nobody
    /// reads, however slowly it came.
    pub fn hang_up_in_time(&self, socket: Option<&Arc<Socket>>) {
        let Some(socket) = socket.map(Arc::downgrade) else { return };
        let until = self.deadline.max(Instant::now() + LINGER);
        actix_web::rt::spawn(async move {
            tokio::time::sleep_until(until).await;
            if let Some(socket) = socket.upgrade() {
                socket.hang_up();
            }
        });
    }
}

/// The payload, which fails with [`io::ErrorKind::TimedOut`] if its end has not come within `limit`.
pub(in crate::http) fn within(limit: Duration, payload: Payload) -> (Payload, Option<Body>) {
    if matches!(payload, Payload::None) {
        return (payload, None);
    }
    let ended = Rc::new(Cell::new(false));
    let deadline = Instant::now() + limit;
    let timed = Timed { payload, ended: ended.clone(), deadline: Box::pin(tokio::time::sleep_until(deadline)) };
    (Payload::Stream { payload: Box::pin(timed) }, Some(Body { ended, deadline }))
}

/// Whether a body failed because its end did not come in time.
pub(in crate::http) fn timed_out(error: &PayloadError) -> bool {
    let io = match error {
        PayloadError::Io(io) | PayloadError::Incomplete(Some(io)) => Some(io),
        _ => None,
    };
    io.is_some_and(|io| io.kind() == io::ErrorKind::TimedOut)
}

struct Timed {
    payload: Payload,
    ended: Rc<Cell<bool>>,
    deadline: Pin<Box<Sleep>>,
}

impl Stream for Timed {
    type Item = Result<Bytes, PayloadError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if let Poll::Ready(chunk) = Pin::new(&mut self.payload).poll_next(context) {
            self.ended.set(chunk.is_none());
            return Poll::Ready(chunk);
        }
        self.deadline.as_mut().poll(context).map(|()| Some(Err(PayloadError::Io(io::ErrorKind::TimedOut.into()))))
    }
}

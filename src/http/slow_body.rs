//! A body must be there within a time. Without it, who sends a byte now and then holds a handler, and the connection
//! after it, for as long as they like.

use std::cell::RefCell;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Duration;

use actix_web::dev::Payload;
use actix_web::error::PayloadError;
use actix_web::web::Bytes;
use futures_util::Stream;
use tokio::time::Sleep;

/// What is left of a request's body, to be put into the answer. A connection whose body was dropped unread is kept until
/// its end has come, however slowly; one whose body is still held when the answer goes out is closed after it.
pub(in crate::http) struct Unread(#[expect(dead_code, reason = "held, not read")] Rc<RefCell<Payload>>);

/// The payload, which fails with [`io::ErrorKind::TimedOut`] if its end has not come within `limit`.
pub(in crate::http) fn within(limit: Duration, payload: Payload) -> (Payload, Option<Unread>) {
    if matches!(payload, Payload::None) {
        return (payload, None);
    }
    let payload = Rc::new(RefCell::new(payload));
    let timed = Timed { payload: Rc::clone(&payload), deadline: Box::pin(tokio::time::sleep(limit)) };
    (Payload::Stream { payload: Box::pin(timed) }, Some(Unread(payload)))
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
    payload: Rc<RefCell<Payload>>,
    deadline: Pin<Box<Sleep>>,
}

impl Stream for Timed {
    type Item = Result<Bytes, PayloadError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if let Poll::Ready(chunk) = Pin::new(&mut *self.payload.borrow_mut()).poll_next(context) {
            return Poll::Ready(chunk);
        }
        self.deadline.as_mut().poll(context).map(|()| Some(Err(PayloadError::Io(io::ErrorKind::TimedOut.into()))))
    }
}

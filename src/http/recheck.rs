//! An answer without an end lasts no longer than the right to it: who is revoked, or whose token expires, is cut off
//! while they read.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use actix_web::body::{BodySize, BoxBody, MessageBody};
use actix_web::web::Bytes;
use tokio::time::{Instant, Interval, MissedTickBehavior, interval_at};

/// How often it is asked again whether somebody may still read. A minute after their rights ended nobody reads on.
pub(in crate::http) const EVERY: Duration = Duration::from_secs(30);

type Answer = Pin<Box<dyn Future<Output = bool>>>;

/// A body that ends when `check` says that its reader may read no more.
pub(in crate::http) struct Rechecked<C> {
    body: BoxBody,
    check: C,
    due: Interval,
    asked: Option<Answer>,
}

impl<C> Rechecked<C>
where
    C: FnMut() -> Answer + Unpin + 'static,
{
    /// The body as it is if it has an end of its own, otherwise one that is checked.
    pub fn unless_short(body: BoxBody, every: Duration, check: C) -> BoxBody {
        if body.size() != BodySize::Stream {
            return body;
        }
        let mut due = interval_at(Instant::now() + every, every);
        due.set_missed_tick_behavior(MissedTickBehavior::Delay);
        BoxBody::new(Self { body, check, due, asked: None })
    }
}

impl<C> MessageBody for Rechecked<C>
where
    C: FnMut() -> Answer + Unpin,
{
    type Error = Box<dyn std::error::Error>;

    fn size(&self) -> BodySize {
        BodySize::Stream
    }

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Bytes, Self::Error>>> {
        // First the question, then the body: who reads without a pause is asked all the same.
        while self.asked.is_some() || self.due.poll_tick(context).is_ready() {
            if self.asked.is_none() {
                let asked = (self.check)();
                self.asked = Some(asked);
            }
            let Some(asked) = &mut self.asked else { break };
            match asked.as_mut().poll(context) {
                Poll::Ready(true) => self.asked = None,
                Poll::Ready(false) => return Poll::Ready(None),
                Poll::Pending => break,
            }
        }
        Pin::new(&mut self.body).poll_next(context)
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::convert::Infallible;
    use std::rc::Rc;

    use actix_web::body::{BodyStream, to_bytes};
    use futures_util::stream;

    use super::*;

    const SHORT: Duration = Duration::from_millis(1);

    /// Says yes so often, then no.
    fn yes(mut times: usize, asked: &Rc<Cell<usize>>) -> impl FnMut() -> Answer + Unpin + use<> {
        let asked = Rc::clone(asked);
        move || {
            asked.set(asked.get() + 1);
            let may = times > 0;
            times = times.saturating_sub(1);
            Box::pin(async move { may })
        }
    }

    #[actix_web::test]
    async fn a_silent_body_without_an_end_ends_when_its_reader_may_read_no_more() {
        let asked = Rc::default();
        let silent = BoxBody::new(BodyStream::new(stream::pending::<Result<Bytes, Infallible>>()));
        let body = Rechecked::unless_short(silent, SHORT, yes(2, &asked));
        assert!(to_bytes(body).await.expect("no error").is_empty());
        assert_eq!(asked.get(), 3);
    }

    #[actix_web::test]
    async fn a_talkative_body_ends_just_so() {
        let asked = Rc::default();
        let chunk = || async {
            tokio::task::yield_now().await;
            Some((Ok::<_, Infallible>(Bytes::from_static(b"x")), ()))
        };
        let talkative = BoxBody::new(BodyStream::new(Box::pin(stream::unfold((), move |()| chunk()))));
        let body = Rechecked::unless_short(talkative, SHORT, yes(1, &asked));
        to_bytes(body).await.expect("no error");
        assert_eq!(asked.get(), 2);
    }

    #[actix_web::test]
    async fn a_body_that_ends_by_itself_comes_whole_and_one_of_known_length_is_let_be() {
        let asked = Rc::default();
        let chunks = stream::iter([Ok::<_, Infallible>(Bytes::from_static(b"a")), Ok(Bytes::from_static(b"b"))]);
        let body = Rechecked::unless_short(BoxBody::new(BodyStream::new(chunks)), EVERY, yes(0, &asked));
        assert_eq!(to_bytes(body).await.expect("no error"), "ab");
        let body = Rechecked::unless_short(BoxBody::new("whole"), SHORT, yes(0, &asked));
        assert_eq!(body.size(), BodySize::Sized(5));
        assert_eq!(asked.get(), 0);
    }
}

//! Stands where a platform should be and is not: nothing can be stopped, and every enforcement says so.

use super::{ControlError, Controlling, StreamControl};
use crate::events::EnforcementKind;
use crate::model::{ChannelId, SessionId};
use crate::warden::enforcement::Seen;

/// No platform. An enforcement ends as failed, which a person must see to.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoControl;

fn denied<T: Send + 'static>() -> Controlling<'static, T> {
    Box::pin(std::future::ready(Err(ControlError::Denied("no stream control is configured".to_owned()))))
}

impl StreamControl for NoControl {
    fn name(&self) -> &str {
        "none (no stream control is configured)"
    }

    fn look(&self, _: &ChannelId, _: EnforcementKind) -> Controlling<'_, Seen> {
        denied()
    }

    fn stop(&self, _: &ChannelId, _: &SessionId) -> Controlling<'_, ()> {
        denied()
    }

    fn revoke_keys(&self, _: &ChannelId) -> Controlling<'_, ()> {
        denied()
    }

    fn restore_keys(&self, _: &ChannelId) -> Controlling<'_, ()> {
        denied()
    }
}

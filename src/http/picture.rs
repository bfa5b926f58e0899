//! A picture as a request's body: of a kind that is read, within its bytes, and with room for it in memory.

use std::sync::Arc;

use actix_web::error::PayloadError;
use actix_web::http::header::CONTENT_LENGTH;
use actix_web::{HttpMessage, HttpRequest, web};
use futures_util::StreamExt;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::problem::{Code, Problem};
use super::slow_body;
use crate::imaging::Limits;

/// The kinds of picture that are read.
pub(in crate::http) const MEDIA: [&str; 3] = ["image/jpeg", "image/png", "image/webp"];
/// All pictures being taken in, or with their wardens, may take so many KiB of memory.
const IN_MEMORY_KIB_MAX: usize = 512 * 1024;
/// How long to wait for room.
const FULL_RETRY_AFTER_S: u32 = 1;

/// Memory for pictures that are being taken in.
pub(in crate::http) struct PictureRoom(Arc<Semaphore>);

impl Default for PictureRoom {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(IN_MEMORY_KIB_MAX)))
    }
}

/// A picture, and the room it takes for as long as this is held.
pub(in crate::http) struct Picture {
    pub bytes: Arc<[u8]>,
    pub held: OwnedSemaphorePermit,
}

impl PictureRoom {
    /// Reads the body of a request as a picture. What it shows is not looked at here.
    pub async fn take(&self, request: &HttpRequest, body: web::Payload) -> Result<Picture, Problem> {
        let kind = request.content_type().to_ascii_lowercase();
        if !MEDIA.contains(&kind.as_str()) {
            let expected = MEDIA.join(", ");
            return Err(Problem::new(Code::UnsupportedMedia, format!("Content-Type must be one of {expected}")));
        }
        let bytes_max = Limits::default().bytes_max;
        let stated = request.headers().get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
        let expected = stated.unwrap_or(bytes_max);
        if expected > bytes_max {
            return Err(too_large(bytes_max));
        }
        let kib = (expected / 1024 + 1) as u32; // at most bytes_max, a few MiB
        let Ok(held) = self.0.clone().try_acquire_many_owned(kib) else {
            return Err(Problem::unavailable("too many pictures are being taken in", FULL_RETRY_AFTER_S));
        };
        Ok(Picture { bytes: read(body, expected, bytes_max).await?, held })
    }
}

async fn read(mut body: web::Payload, expected: usize, bytes_max: usize) -> Result<Arc<[u8]>, Problem> {
    let mut bytes = Vec::with_capacity(expected.min(256 * 1024));
    while let Some(chunk) = body.next().await {
        let chunk = chunk.map_err(|error| unread(&error))?;
        if bytes.len() + chunk.len() > bytes_max {
            return Err(too_large(bytes_max));
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes.into())
}

fn too_large(bytes_max: usize) -> Problem {
    Problem::new(Code::TooLarge, format!("a picture has at most {bytes_max} bytes"))
}

fn unread(error: &PayloadError) -> Problem {
    match error {
        error if slow_body::timed_out(error) => Problem::new(Code::Timeout, "the picture did not arrive in time"),
        other => Problem::malformed("body", other),
    }
}

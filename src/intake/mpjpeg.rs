//! Reads the pictures that ffmpeg's `mpjpeg` format puts one after the other into a pipe: a boundary line, headers, an
//! empty line, the bytes of one JPEG. The length stands before each picture, so nothing is searched for in its bytes.

use tokio::io::{AsyncBufRead, AsyncBufReadExt, AsyncReadExt};

/// The largest picture taken from the pipe, in bytes. A 1080p frame has a few hundred kilobytes.
pub const PICTURE_BYTES_MAX: usize = 16 << 20;
/// The longest header line, in bytes.
const LINE_BYTES_MAX: u64 = 200;
/// The most lines between two pictures.
const LINES_MAX: usize = 16;

const LENGTH: &str = "content-length:";

/// Why the pipe's content cannot be understood.
#[derive(Debug, thiserror::Error)]
pub(super) enum PartError {
    #[error("{0}")]
    Format(String),
    #[error("the pipe cannot be read")]
    Read(#[from] std::io::Error),
}

/// The next picture's bytes; none where the pipe ends between two pictures.
pub(super) async fn next_picture<R: AsyncBufRead + Unpin>(pipe: &mut R) -> Result<Option<Vec<u8>>, PartError> {
    let Some(length) = picture_length(pipe).await? else { return Ok(None) };
    if length > PICTURE_BYTES_MAX {
        return Err(PartError::Format(format!("a picture of {length} bytes, at most {PICTURE_BYTES_MAX} are taken")));
    }
    let mut picture = vec![0; length];
    pipe.read_exact(&mut picture).await?;
    Ok(Some(picture))
}

/// Reads up to and including the empty line that ends the headers, and what they say of the picture's length.
async fn picture_length<R: AsyncBufRead + Unpin>(pipe: &mut R) -> Result<Option<usize>, PartError> {
    let mut length = None;
    for _ in 0..LINES_MAX {
        let mut line = String::new();
        let read = (&mut *pipe).take(LINE_BYTES_MAX).read_line(&mut line).await?;
        if read == 0 {
            return Ok(None); // the boundary after the last picture is followed by nothing
        }
        if !line.ends_with('\n') {
            return Err(PartError::Format(format!("expected a header line of at most {LINE_BYTES_MAX} bytes")));
        }
        let line = line.trim().to_ascii_lowercase();
        match (line.strip_prefix(LENGTH), length) {
            (Some(digits), _) => {
                let read =
                    digits.trim().parse().map_err(|_| PartError::Format(format!("{line:?} states no length")))?;
                length = Some(read);
            }
            (None, Some(length)) if line.is_empty() => return Ok(Some(length)),
            (None, _) => {} // the boundary, the type, the line break after the last picture
        }
    }
    Err(PartError::Format(format!("expected '{LENGTH}' within {LINES_MAX} lines")))
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn pictures(mut pipe: &[u8]) -> Result<Vec<Vec<u8>>, PartError> {
        let mut pictures = Vec::new();
        while let Some(picture) = next_picture(&mut pipe).await? {
            pictures.push(picture);
        }
        Ok(pictures)
    }

    #[tokio::test]
    async fn pictures_are_taken_whole_whatever_bytes_they_hold() {
        let pipe = b"--ffmpeg\r\nContent-type: image/jpeg\r\nContent-length: 9\r\n\r\n\r\n--ffmpe\r\n--ffmpeg\r\n\
            Content-type: image/jpeg\r\nContent-length: 2\r\n\r\n\xff\xd8\r\n--ffmpeg\r\n";
        assert_eq!(pictures(pipe).await.expect("two pictures"), [b"\r\n--ffmpe".to_vec(), b"\xff\xd8".to_vec()]);
        assert!(pictures(b"").await.expect("none").is_empty());
    }

    #[tokio::test]
    async fn what_breaks_the_format_is_an_error_and_not_an_end() {
        let too_long = format!("--ffmpeg\r\nContent-length: {}\r\n\r\n", PICTURE_BYTES_MAX + 1);
        let endless = "x: y\r\n".repeat(LINES_MAX);
        let broken: [&[u8]; 6] = [
            b"Content-length: 5\r\n\r\nabc",      // cut within a picture
            b"Content-length: five\r\n\r\nabcde", // no number
            b"Content-length: -1\r\n\r\n",        // no length
            too_long.as_bytes(),
            endless.as_bytes(),
            &[b'x'; 300],
        ];
        for pipe in broken {
            assert!(pictures(pipe).await.is_err(), "{:?}", String::from_utf8_lossy(pipe));
        }
    }
}

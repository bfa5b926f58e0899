//! S3: objects by bucket, key and version. Knows whether what is under a key is still what somebody announced; what
//! the bytes are is for others.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use aws_sdk_s3::Client;
use aws_sdk_s3::presigning::PresigningConfig;
use aws_sdk_s3::primitives::ByteStream;

use super::{Aws, Class, Failure};
use crate::model::S3Object;

const GET: &str = "GetObject";
const HEAD: &str = "HeadObject";
const PUT: &str = "PutObject";
const DELETE: &str = "DeleteObject";
const SIGN: &str = "signing GetObject";
/// The code by which S3 says that an object is not the one asked for.
const CHANGED: &str = "PreconditionFailed";

/// The client.
#[derive(Debug, Clone)]
pub struct S3 {
    client: Client,
    body_time: Duration,
}

/// Why an object's bytes are not there.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GetError {
    /// Longer than allowed; nothing of it, or not all of it, was read.
    #[error("{object} has {bytes} bytes or more, expected at most {bytes_max}")]
    TooLarge {
        /// The object.
        object: String,
        /// How long it says it is, or how much had come when reading ended.
        bytes: u64,
        /// What is allowed.
        bytes_max: usize,
    },
    /// Another object is under that key by now: what was announced is gone.
    #[error("{object} was overwritten after it was announced: {failure}")]
    Overwritten {
        /// The object.
        object: String,
        /// What S3 said.
        failure: Failure,
    },
    /// Nothing is there. Without the right to list the bucket S3 says "denied" instead.
    #[error("{object} is not there any more: {failure}")]
    Gone {
        /// The object.
        object: String,
        /// What S3 said.
        failure: Failure,
    },
    /// The call failed.
    #[error("fetching {object}: {failure}")]
    Failed {
        /// The object.
        object: String,
        /// Why.
        failure: Failure,
    },
}

impl GetError {
    /// Whether the same call may succeed later.
    pub const fn is_passing(&self) -> bool {
        match self {
            Self::TooLarge { .. } | Self::Overwritten { .. } | Self::Gone { .. } => false,
            Self::Failed { failure, .. } => failure.class.is_passing(),
        }
    }
}

/// What is known of an object without its bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// How long it is.
    pub bytes: u64,
    /// Its entity tag, without quotes.
    pub etag: Option<String>,
    /// Its version, where the bucket keeps versions.
    pub version: Option<String>,
}

/// An object just stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// Its entity tag, without quotes.
    pub etag: Option<String>,
    /// Its version, where the bucket keeps versions.
    pub version: Option<String>,
}

/// An address by which whoever has it reads an object for a while. A secret: it does not show itself.
pub struct SignedAddress(pub(super) String);

impl SignedAddress {
    /// To be told to whoever is to read there and to nobody else.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for SignedAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SignedAddress(…)")
    }
}

impl Aws {
    /// S3, as configured. At a stated endpoint buckets are named in the path: no emulator has a host name for each.
    pub fn s3(&self) -> S3 {
        let mut config = aws_sdk_s3::config::Builder::from(self.config());
        if let Some(endpoint) = &self.endpoints().s3 {
            config = config.endpoint_url(endpoint).force_path_style(true);
        }
        S3 { client: Client::from_conf(config.build()), body_time: self.times().call }
    }
}

impl S3 {
    /// The object's bytes, at most `bytes_max` of them: a longer one is refused by what it says of itself, and reading
    /// ends where it says too little. Where the announcement names an entity tag, another object under the same key
    /// is [`GetError::Overwritten`].
    pub async fn get(&self, object: &S3Object, bytes_max: usize) -> Result<Arc<[u8]>, GetError> {
        let failed = |failure: Failure| GetError::Failed { object: object.to_string(), failure };
        let too_large = |bytes: u64| GetError::TooLarge { object: object.to_string(), bytes, bytes_max };
        if let Some(bytes) = object.size.filter(|bytes| *bytes > bytes_max as u64) {
            return Err(too_large(bytes));
        }
        let call = self
            .client
            .get_object()
            .bucket(&*object.bucket)
            .key(&*object.key)
            .set_version_id(object.version.as_deref().map(str::to_owned))
            .set_if_match(object.etag.as_deref().map(|etag| format!("\"{etag}\"")));
        let got = match call.send().await {
            Ok(got) => got,
            Err(error) => {
                let (failure, object) = (Failure::of(GET, &error), object.to_string());
                let status = error.raw_response().map(|response| response.status().as_u16());
                return Err(match failure.class {
                    _ if status == Some(412) || failure.is(CHANGED) => GetError::Overwritten { object, failure },
                    Class::NotFound => GetError::Gone { object, failure },
                    _ => GetError::Failed { object, failure },
                });
            }
        };
        let stated = got.content_length.and_then(|bytes| u64::try_from(bytes).ok());
        if let Some(bytes) = stated.filter(|bytes| *bytes > bytes_max as u64) {
            return Err(too_large(bytes));
        }
        let mut body = got.body;
        let reading = async {
            let mut bytes = Vec::with_capacity(stated.unwrap_or(0) as usize); // at most `bytes_max`, see above
            while let Some(more) = body.try_next().await.map_err(|error| {
                let said = format!("the body ended after {} bytes: {error}", bytes.len());
                failed(Failure::passing(GET, Class::Unavailable, said))
            })? {
                if bytes.len() + more.len() > bytes_max {
                    return Err(too_large((bytes.len() + more.len()) as u64));
                }
                bytes.extend_from_slice(&more);
            }
            Ok(bytes.into())
        };
        // The client's own limit ends with the head of the answer.
        tokio::time::timeout(self.body_time, reading).await.unwrap_or_else(|_| {
            let said = format!("the body was not there within {} ms", self.body_time.as_millis());
            Err(failed(Failure::passing(GET, Class::TimedOut, said)))
        })
    }

    /// An address by which that object can be read for so long, at most seven days: that very version of it where one is
    /// named, else what is under its key then. Nothing is called, unless credentials are.
    pub async fn signed_address(&self, object: &S3Object, lives: Duration) -> Result<SignedAddress, Failure> {
        let lives = PresigningConfig::expires_in(lives)
            .map_err(|error| Failure::passing(SIGN, Class::Refused, error.to_string()))?;
        let call = self.client.get_object().bucket(&*object.bucket).key(&*object.key);
        let call = call.set_version_id(object.version.as_deref().map(str::to_owned));
        let signed = call.presigned(lives).await.map_err(|error| Failure::of(SIGN, &error))?;
        Ok(SignedAddress(signed.uri().to_owned()))
    }

    /// What is under that key, without its bytes.
    pub async fn head(&self, bucket: &str, key: &str) -> Result<Head, Failure> {
        let sent = self.client.head_object().bucket(bucket).key(key).send().await;
        let head = sent.map_err(|error| Failure::of(HEAD, &error))?;
        let bytes = head.content_length.and_then(|bytes| u64::try_from(bytes).ok());
        let bytes = bytes.ok_or_else(|| Failure::nonsense(HEAD, "no Content-Length"))?;
        Ok(Head { bytes, etag: head.e_tag.map(unquoted), version: head.version_id })
    }

    /// Whether there is a bucket of that name that shows itself to us: fails if not.
    pub async fn head_bucket(&self, bucket: &str) -> Result<(), Failure> {
        let sent = self.client.head_bucket().bucket(bucket).send().await;
        sent.map(|_| ()).map_err(|error| Failure::of("HeadBucket", &error))
    }

    /// Stores an object under that key, over what is there.
    pub async fn put(&self, bucket: &str, key: &str, bytes: &[u8], media_type: &str) -> Result<Stored, Failure> {
        let body = ByteStream::from(bytes.to_vec());
        let call = self.client.put_object().bucket(bucket).key(key).content_type(media_type).body(body);
        let put = call.send().await.map_err(|error| Failure::of(PUT, &error))?;
        Ok(Stored { etag: put.e_tag.map(unquoted), version: put.version_id })
    }

    /// Deletes an object: that very version of it where one is named, else what is under its key. One that is not there
    /// is deleted. A bucket that keeps versions keeps what no version was named of.
    pub async fn delete(&self, bucket: &str, key: &str, version: Option<&str>) -> Result<(), Failure> {
        let call = self.client.delete_object().bucket(bucket).key(key);
        let sent = call.set_version_id(version.map(str::to_owned)).send().await;
        match sent.map_err(|error| Failure::of(DELETE, &error)) {
            Ok(_) => Ok(()),
            Err(Failure { class: Class::NotFound, .. }) => Ok(()),
            Err(failure) => Err(failure),
        }
    }
}

fn unquoted(etag: String) -> String {
    etag.trim_matches('"').to_owned()
}

//! Whether a bucket announces its objects to EventBridge: without it no frame ever comes, and nothing says so.

use aws_sdk_s3::Client;

use super::{Aws, Failure};

impl Aws {
    /// Whether the bucket sends its events to EventBridge. `NoSuchBucket`: there is none of that name.
    pub async fn bucket_announces(&self, bucket: &str) -> Result<bool, Failure> {
        let mut config = aws_sdk_s3::config::Builder::from(self.config());
        if let Some(endpoint) = &self.endpoints().s3 {
            config = config.endpoint_url(endpoint).force_path_style(true); // no emulator has a host name per bucket
        }
        let asked = Client::from_conf(config.build()).get_bucket_notification_configuration().bucket(bucket).send();
        let answer = asked.await.map_err(|error| Failure::of("GetBucketNotificationConfiguration", &error))?;
        Ok(answer.event_bridge_configuration.is_some()) // present and empty where it is on, as S3 has it
    }
}

//! Amazon SNS: a notice to whoever subscribes to a topic.

use aws_sdk_sns::Client;
use aws_sdk_sns::types::MessageAttributeValue;

use super::{Aws, Failure};

/// A notice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// One line for people: printable ASCII, less than 100 characters.
    pub subject: String,
    /// What programs read.
    pub message: String,
    /// By what subscribers filter.
    pub attributes: Vec<(&'static str, String)>,
}

/// Amazon SNS in one region.
#[derive(Debug, Clone)]
pub struct Sns(Client);

impl Aws {
    /// Amazon SNS.
    pub fn sns(&self) -> Sns {
        let mut config = aws_sdk_sns::config::Builder::from(self.config());
        if let Some(endpoint) = &self.endpoints().sns {
            config = config.endpoint_url(endpoint);
        }
        Sns(Client::from_conf(config.build()))
    }
}

impl Sns {
    /// Whether there is a topic of that ARN: fails if not.
    pub async fn topic_is_there(&self, topic: &str) -> Result<(), Failure> {
        let call = self.0.get_topic_attributes().topic_arn(topic).send().await;
        call.map(|_| ()).map_err(|error| Failure::of("GetTopicAttributes", &error))
    }

    /// Publishes a notice to a topic, by its ARN.
    pub async fn publish(&self, topic: &str, notice: &Notice) -> Result<(), Failure> {
        const OPERATION: &str = "Publish";
        let mut call = self.0.publish().topic_arn(topic).subject(&notice.subject).message(&notice.message);
        for (name, value) in &notice.attributes {
            let value = MessageAttributeValue::builder().data_type("String").string_value(value).build();
            let value = value.map_err(|error| Failure::nonsense(OPERATION, error.to_string()))?;
            call = call.message_attributes(*name, value);
        }
        call.send().await.map(|_| ()).map_err(|error| Failure::of(OPERATION, &error))
    }
}

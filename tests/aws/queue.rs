//! A queue of the emulator's, to see what arrives at the end of a rule or a topic.

use serde_json::{Value, json};

use crate::standins::{ACCOUNT, REGION, emulator, sdk};

/// A queue of the emulator.
pub struct Queue {
    name: String,
    url: String,
    http: reqwest::Client,
}

impl Queue {
    pub async fn new(name: &str) -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default(); // reqwest wants one; the first test sets it
        let mut queue = Self { name: name.to_owned(), url: String::new(), http: reqwest::Client::new() };
        let made = queue.call("CreateQueue", json!({ "QueueName": name })).await;
        queue.url = made["QueueUrl"].as_str().unwrap().to_owned();
        queue
    }

    /// Its name to other services.
    pub fn arn(&self) -> String {
        format!("arn:aws:sqs:{REGION}:{ACCOUNT}:{}", self.name)
    }

    /// Makes a bus, and a rule that sends everything of ours on it to this queue.
    pub async fn follows_bus(&self, bus: &str) {
        use aws_sdk_eventbridge::types::Target;
        let events = aws_sdk_eventbridge::Client::new(&sdk(emulator()));
        events.create_event_bus().name(bus).send().await.unwrap();
        let pattern = json!({ "source": ["streamwarden"] }).to_string();
        events.put_rule().name("ours").event_bus_name(bus).event_pattern(pattern).send().await.unwrap();
        let target = Target::builder().id("queue").arn(self.arn()).build().unwrap();
        events.put_targets().rule("ours").event_bus_name(bus).targets(target).send().await.unwrap();
    }

    /// What has arrived since, each message once.
    pub async fn receive(&self) -> Vec<Value> {
        let asked = json!({ "QueueUrl": self.url, "MaxNumberOfMessages": 10, "WaitTimeSeconds": 1 });
        let answer = self.call("ReceiveMessage", asked).await;
        let mut bodies = Vec::new();
        for message in answer["Messages"].as_array().into_iter().flatten() {
            let receipt = json!({ "QueueUrl": self.url, "ReceiptHandle": message["ReceiptHandle"] });
            self.call("DeleteMessage", receipt).await;
            bodies.push(serde_json::from_str(message["Body"].as_str().unwrap()).unwrap());
        }
        bodies
    }

    /// SQS speaks JSON 1.0; the emulator looks at no signature but reads the service from it.
    async fn call(&self, operation: &str, body: Value) -> Value {
        let credential = format!("Credential=test/20260101/{REGION}/sqs/aws4_request");
        let call = self
            .http
            .post(emulator())
            .header("X-Amz-Target", format!("AmazonSQS.{operation}"))
            .header("Content-Type", "application/x-amz-json-1.0")
            .header("Authorization", format!("AWS4-HMAC-SHA256 {credential}, SignedHeaders=host, Signature=0"))
            .body(body.to_string());
        let answer = call.send().await.unwrap().text().await.unwrap();
        if answer.is_empty() { Value::Null } else { serde_json::from_str(&answer).unwrap() }
    }
}

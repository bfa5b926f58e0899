//! Neither our key nor a signed address comes back out, whatever Hive says.

use std::time::Duration;

use streamwarden::egress::Secret;
use streamwarden::model::S3Object;
use streamwarden::providers::Provider;
use streamwarden::providers::hive::{Hive, Showing};

use super::{APIS, asking, classes, hive, picture, settings};
use crate::hive_standin::{Fault, HiveStandin};
use crate::standins::emulated;

#[tokio::test]
async fn a_wrong_key_is_refused_and_not_said() {
    for api in APIS {
        let standin = HiveStandin::start();
        let key = Secret::new("wr0ng-key").expect("a secret");
        let provider = Hive::new(settings(&standin, api), &key, classes(), Showing::Bytes).expect("sound settings");
        let error = provider.assess(picture("")).await.expect_err("the key is wrong");
        assert_eq!(
            error.to_string(),
            "the provider refuses us: it answered 403 (the key is refused): Invalid Auth Token"
        );
        assert!(!format!("{provider:?}").contains("wr0ng-key"));
    }
}

#[tokio::test]
async fn what_hive_repeats_of_key_and_address_is_not_said_again() {
    let key = HiveStandin::start().world().key.clone();
    for api in APIS {
        let standin = HiveStandin::start();
        let signed = Showing::Signed { s3: emulated().s3(), lives: Duration::from_secs(60) };
        let provider = hive(&standin, settings(&standin, api), signed);
        // There is no such object: the stand-in says which address it could not fetch.
        let object = S3Object { bucket: "b".into(), key: "none.jpg".into(), version: None, etag: None, size: None };
        let error = provider.assess_object(object).await.expect_err("nothing is there").to_string();
        assert!(error.contains("Could not fetch media: (an address)") && !error.contains("X-Amz"), "{error}");
        let told = format!("{{\"return_code\": 403, \"message\": \"no project for {key}\"}}");
        let echo = format!("{{\"model\": \"{key} https://b.example/k?X-Amz-Signature=0\", \"code\": \"{key}\"}}");
        for (status, body) in [(403, told.clone()), (200, told), (200, echo)] {
            let media_type = "application/json".to_owned();
            standin.script([Fault::Body { status, media_type, body }]);
            let error = asking(&standin, api).assess(picture("")).await.expect_err("scripted").to_string();
            assert!(!error.contains(&key) && !error.contains("X-Amz"), "{error}");
        }
    }
}

//! What policies can name, as the policy check knows it.

use serde_json::{Value, json};

use crate::premises::{Premises, json as answer};

#[actix_rt::test]
async fn every_label_that_is_listed_is_one_that_a_policy_may_name() {
    let premises = Premises::new();
    let live = premises.open().await;
    let (status, listed) = answer(live.get("/v1/taxonomies")).await;
    assert_eq!(status, 200, "{listed}");
    let items = listed["items"].as_array().expect("items");
    let of = |name: &str| items.iter().find(|item| item["taxonomy"] == name).unwrap_or_else(|| panic!("no {name}"));
    assert_eq!(
        (of("rekognition/7.0")["provider"].clone(), of("rekognition/7.0")["version"].clone()),
        (json!("rekognition"), json!("7.0"))
    );
    assert_eq!(of("rekognition/6.1")["labels"].as_array().map(Vec::len), Some(45));
    assert_eq!(of("local-nudity/1")["labels"].as_array().map(Vec::len), Some(3));
    assert_eq!(of("hive-visual/1")["labels"].as_array().map(Vec::len), Some(132));
    assert_eq!(of("hive-speech/1")["labels"].as_array().map(Vec::len), Some(10));
    assert_eq!(of("hive-speech/1")["scale"], json!("severity"));
    assert_eq!((&of("hive-visual/1")["scale"], &of("rekognition/7.0")["scale"]), (&json!("unit"), &json!("percent")));

    let path = |label: &Value| label["path"].as_str().expect("a path").to_owned();
    let labels_of = |name: &str| of(name)["labels"].as_array().expect("labels");
    let gore = labels_of("rekognition/7.0").iter().find(|label| path(label).ends_with("/Blood & Gore"));
    assert_eq!(gore.expect("it is one of them")["parents"], json!(["Violence", "Violence/Graphic Violence"]));
    for taxonomy in ["rekognition/7.0", "hive-visual/1", "hive-speech/1"] {
        // Each of them in a rule of its own: the check finds nothing unknown.
        let rules: Vec<String> = labels_of(taxonomy)
            .iter()
            .enumerate()
            .map(|(at, label)| {
                format!("  - {{ id: r{at}, categories: [{:?}], confidence: 90, action: warn }}\n", path(label))
            })
            .collect();
        let policy = format!(
            "policy: all\nchannels: {{ matching: all/.* }}\ntaxonomy: {taxonomy}\nsampling: {{ every: 10s }}\nrules:\n{}",
            rules.concat()
        );
        let (status, checked) = answer(live.post("/v1/policies/check").json(&json!({ "text": policy }))).await;
        assert_eq!((status, &checked["valid"]), (200, &json!(true)), "{checked}");
    }
    live.close().await;
}

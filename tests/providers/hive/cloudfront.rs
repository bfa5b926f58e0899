//! Pictures that Hive fetches from CloudFront, by an address that is signed with a key pair: what is signed, who lets it
//! in, and where the address is to be found afterwards: nowhere.

use std::sync::Arc;
use std::time::Duration;

use streamwarden::aws::cloudfront::{AddressSigner, KeyError};
use streamwarden::clock::{Clock, ManualClock, SystemClock};
use streamwarden::model::{S3Object, Timestamp};
use streamwarden::providers::Provider;
use streamwarden::providers::hive::{Showing, Signed};

use super::serving::{Serving, files, holds};
use super::{APIS, hive, picture, settings, text};
use crate::cloudfront_standin::{CloudfrontStandin, PublicKey, Taken};
use crate::dashboard_standin::DashboardStandin;
use crate::hive_standin::HiveStandin;
use crate::standins::{emulated, emulator, s3};

const ID: &str = "K2JCJMDEHXQW5F";
const RSA: &str = include_str!("../data/cloudfront/test-rsa-2048.pem");
const RSA_PKCS1: &str = include_str!("../data/cloudfront/test-rsa-2048-pkcs1.pem");
const P256: &str = include_str!("../data/cloudfront/test-p256.pem");
const P256_SEC1: &str = include_str!("../data/cloudfront/test-p256-sec1.pem");
/// An address of which every byte is signed: an encoded key, and a query of its own.
const ADDRESS: &str = "https://d111111abcdef8.cloudfront.net/live/a%20b%2Bc/1.jpg?size=large";
/// What openssl signs of it until 1767290400 with the key of 2048 bits; `tests/providers/data/README.md` says how.
const SIGNED_BY_OPENSSL: &str = "pmbwBcqqmQfO6BaPbtSGTCK8Xcoi-RNMAVqLIUecgS3JpCG99n5dXf1W-WIvtAiPnIcCXpffciPRSpN7SHfhcX\
     pWOMUGPazDZpvbhgULrB3hFBOe6-B9mwBxf-6JIabS2dCRPNs60HzX65GBm8WfV9ms1qBU6TKpYT2wmcaupyiw5vu7YT49YBLqi7bCVVAH4QekIulB\
     4TIpyOTr2gvfsDM~O7sWk1RgWLCcPjanI9h3UmKEeynE8zRLcayGYUKbqNBB4wrCBID26re~RuA9y4UcQhGsjQCFzIJko7nIdhwRU8vKesShMe3B~N\
     EjyqEDaeNpxwWOH5iKPU3TcxND7Q__";

fn signed(pem: &str, address: &str, until_s: i64) -> String {
    let signer = AddressSigner::new(ID, pem).expect("a key that CloudFront takes");
    signer.signed(address, Timestamp::from_millis(until_s * 1000)).expect("it is signed").reveal().to_owned()
}

/// Addresses below the stand-in, signed for a minute from what `clock` shows on.
fn below(standin: &CloudfrontStandin, bucket: &str, pem: &str, clock: impl Clock) -> Showing {
    let signer = AddressSigner::new(ID, pem).expect("a key that CloudFront takes");
    let signed = Signed { signer, lives: Duration::from_secs(60), clock: Arc::new(clock) };
    let base = standin.address.parse().expect("an address");
    Showing::Below { base, bucket: bucket.to_owned(), signed: Some(signed) }
}

async fn put(bucket: &str, key: &str, bytes: &[u8]) -> S3Object {
    s3().create_bucket().bucket(bucket).send().await.expect("a bucket");
    emulated().s3().put(bucket, key, bytes, "image/jpeg").await.expect("the emulator takes it");
    S3Object { bucket: bucket.into(), key: key.into(), version: None, etag: None, size: Some(bytes.len() as u64) }
}

fn before(bucket: &str, pem: &str) -> CloudfrontStandin {
    CloudfrontStandin::start(format!("{}/{bucket}", emulator()), ID, PublicKey::of(pem))
}

#[test]
fn an_address_is_signed_as_openssl_signs_it() {
    let expected =
        format!("{ADDRESS}&Expires=1767290400&Signature={SIGNED_BY_OPENSSL}&Key-Pair-Id={ID}&Hash-Algorithm=SHA256");
    assert_eq!(signed(RSA, ADDRESS, 1_767_290_400), expected);
    let bare = ADDRESS.split('?').next().expect("a path");
    assert!(signed(RSA, bare, 5).starts_with(&format!("{bare}?Expires=5&Signature=")), "its first parameter");
}

#[test]
fn a_key_of_each_form_signs_what_its_public_half_verifies() {
    for (pem, public) in [(RSA, RSA), (RSA_PKCS1, RSA), (P256, P256), (P256_SEC1, P256)] {
        let (public, address) = (PublicKey::of(public), signed(pem, ADDRESS, 1_767_290_400));
        let taken = Taken::apart(&address).expect("everything is there, once");
        assert_eq!((&*taken.bare, taken.expires, &*taken.key_pair_id), (ADDRESS, 1_767_290_400, ID));
        assert!(public.verifies(&taken.policy(), &taken.signature), "{address}");
        let later = Taken { expires: taken.expires + 1, ..taken };
        assert!(!public.verifies(&later.policy(), &later.signature), "for a second longer it holds not");
    }
}

#[test]
fn a_key_that_cloudfront_does_not_take_is_refused_with_what_was_expected() {
    let other = [
        (include_str!("../data/cloudfront/test-p384.pem"), KeyError::Unfit),
        (include_str!("../data/cloudfront/test-rsa-3072.pem"), KeyError::Unfit),
        (include_str!("../data/cloudfront/test-encrypted.pem"), KeyError::Encrypted),
        (include_str!("../data/cloudfront/test-rsa-2048-public.pem"), KeyError::None),
        ("s3cret", KeyError::None),
    ];
    for (pem, why) in other {
        assert_eq!(AddressSigner::new(ID, pem).err(), Some(why), "{pem}");
    }
    let (cut, key) = (&P256[..P256.len() / 2], P256.lines().nth(1).expect("a line of the key"));
    for damaged in [cut.to_owned(), P256.replace(key, &key[1..])] {
        assert_eq!(AddressSigner::new(ID, &damaged).err(), Some(KeyError::Unfit), "{damaged}");
    }
    for flat in [P256.trim().replace('\n', "\\n"), P256.trim().replace('\n', " ")] {
        assert_eq!(AddressSigner::new(ID, &flat).err(), Some(KeyError::Flat), "{flat}");
    }
    let signer = AddressSigner::new(ID, P256).expect("a key that CloudFront takes");
    assert_eq!(format!("{signer:?}"), format!("AddressSigner {{ key_pair_id: {ID:?}, .. }}"));
}

#[tokio::test]
async fn a_picture_is_fetched_by_an_address_that_is_signed_for_a_minute() {
    let picture = picture("gun_in_hand=0.93");
    let object = put("hive-cloudfront", "live/a b+c%é/1.jpg", &picture).await;
    for (pem, api) in [(RSA, APIS[0]), (P256, APIS[1])] {
        let (standin, cloudfront) = (HiveStandin::start(), before("hive-cloudfront", pem));
        let now = SystemClock.now();
        let provider =
            hive(&standin, settings(&standin, api), below(&cloudfront, "hive-cloudfront", pem, ManualClock::at(now)));
        assert!(provider.object_bytes_max().is_some());
        let answer = provider.assess_object(object.clone()).await.expect("an answer");
        assert!(text(&answer.labels).contains(&"violence/gun/gun_in_hand 93.0".to_owned()));
        let told = standin.world().calls[0].url.clone().expect("an address");
        assert_eq!(*cloudfront.visits(), [(told.clone(), 200)]);
        let taken = Taken::apart(&told).expect("it is signed");
        assert_eq!(taken.bare, format!("{}/live/a%20b%2Bc%25%C3%A9/1.jpg", cloudfront.address));
        assert_eq!(taken.expires, now.as_micros() / 1_000_000 + 60);
    }
}

#[tokio::test]
async fn nobody_is_let_in_by_an_address_that_is_not_signed_is_over_or_was_changed() {
    let object = put("hive-shut", "live/1.jpg", &picture("gun_in_hand=0.93")).await;
    put("hive-shut", "live/2.jpg", &picture("")).await;
    let (standin, cloudfront) = (HiveStandin::start(), before("hive-shut", P256));
    let base = || cloudfront.address.parse().expect("an address");
    let long_ago = ManualClock::at(SystemClock.now().minus_ms(61_000));
    for showing in [
        Showing::Below { base: base(), bucket: "hive-shut".to_owned(), signed: None },
        below(&cloudfront, "hive-shut", P256, long_ago),
        below(&cloudfront, "hive-shut", RSA, SystemClock), // signed with a key that the distribution does not know
    ] {
        let provider = hive(&standin, settings(&standin, APIS[0]), showing);
        let error = provider.assess_object(object.clone()).await.expect_err("it is not let in").to_string();
        assert!(error.contains("Could not fetch media: (an address)") && !error.contains("Signature"), "{error}");
    }
    let provider = hive(&standin, settings(&standin, APIS[0]), below(&cloudfront, "hive-shut", P256, SystemClock));
    provider.assess_object(object).await.expect("it is let in");
    assert_eq!(cloudfront.visits().iter().map(|(_, status)| *status).collect::<Vec<_>>(), [403, 403, 403, 200]);
    let sound = cloudfront.visits()[3].0.clone();
    let expires = Taken::apart(&sound).expect("it is signed").expires;
    for changed in [
        sound.replace("/1.jpg", "/2.jpg"),
        sound.replace(&expires.to_string(), &(expires + 3600).to_string()),
        sound.replace("?Expires", "?response-content-type=text/html&Expires"),
        sound.replace("&Hash-Algorithm=SHA256", ""),
        sound.replace(ID, "K2JCJMDEHXQW5G"),
    ] {
        assert_ne!(changed, sound);
        let answer = reqwest::get(&changed).await.expect("an answer");
        assert_eq!(answer.status(), 403, "{changed}");
    }
    assert_eq!(reqwest::get(&sound).await.expect("an answer").status(), 200);
}

const POLICY: &str = "
policy: hive
channels: { matching: .* }
taxonomy: hive-visual/1
sampling: { every: 1s }
similarity: off
rules:
  - { id: gun, categories: [violence/gun/gun_in_hand], confidence: 90, action: warn }
";

/// The program itself shows frames to the Dashboard by signed addresses, one of which CloudFront refuses.
#[tokio::test]
async fn neither_signed_addresses_nor_their_key_are_in_a_log_an_event_a_figure_or_on_the_disk() {
    let bucket = "cloudfront-serving";
    s3().create_bucket().bucket(bucket).send().await.expect("a bucket");
    let (dashboard, cloudfront) = (DashboardStandin::start(), before(bucket, P256));
    let (folder, endpoint, emulator) = (tempfile::tempdir().expect("a folder"), &dashboard.endpoint, emulator());
    let (config, key_file) = (folder.path().join("streamwarden.toml"), folder.path().join("url.pem"));
    std::fs::write(&key_file, P256).expect("written");
    let configure = |id: &str| {
        let (data, base) = (folder.path().join("data"), &cloudfront.address);
        let text = format!(
            "[data]\ndirectory = {data:?}\n[listen]\naddress = \"127.0.0.1:0\"\n[auth]\nways = [\"open\"]\n\
             [logs]\nfilter = \"trace\"\n[aws]\nregion = \"us-east-1\"\n[aws.endpoints]\ns3 = {emulator:?}\n\
             [http.store_frames]\nbucket = {bucket:?}\n[provider]\njudge = \"hive-dashboard\"\n\
             [provider.hive_dashboard]\nendpoint = {endpoint:?}\nkey_env = \"HIVE_TEST_KEY\"\nurl_base = {base:?}\n\
             url_bucket = {bucket:?}\nurl_key_pair_id = {id:?}\nurl_key_file = {key_file:?}\n"
        );
        std::fs::write(&config, text).expect("written");
    };
    let key = dashboard.world().key.clone();
    let environment = [
        ("HIVE_TEST_KEY", key.as_str()),
        ("AWS_ACCESS_KEY_ID", "test"),
        ("AWS_SECRET_ACCESS_KEY", "test"),
        ("AWS_EC2_METADATA_DISABLED", "true"),
    ];
    let mut said = Vec::new();
    for (id, status) in [(ID, 200), ("K2JCJMDEHXQW5G", 403)] {
        configure(id);
        let serving = Serving::start_in(&config, &environment);
        let (published, problem) = serving.post("/v1/policies?why=test", "application/yaml", POLICY).await;
        assert_eq!(published, 200, "{problem}");
        let path = format!("/v1/channels/stage-{status}/frames");
        let (_, judged) = serving.post(&path, "image/jpeg", picture("gun_in_hand=0.97").to_vec()).await;
        match status {
            200 => assert_eq!(judged["verdict"], "warn", "{judged}"),
            _ => assert!(judged.to_string().contains("Could not fetch media"), "{judged}"),
        }
        let (events, figures) = (serving.get("/v1/events?limit=100").await, serving.get("/metrics").await);
        assert!(events.contains("gun_in_hand") && figures.contains("hive-dashboard"), "{events}");
        said.extend([("events", events.into_bytes()), ("figures", figures.into_bytes()), ("log", serving.end())]);
    }
    let visits = cloudfront.visits().clone();
    assert!(visits.iter().any(|(_, status)| *status == 200) && visits.iter().any(|(_, status)| *status == 403));
    let mut secrets: Vec<&str> = visits.iter().filter_map(|(address, _)| address.split("Signature=").nth(1)).collect();
    secrets.extend(["Signature=", "Hash-Algorithm", P256.lines().nth(1).expect("a line of the key")]);
    let mut kept = Vec::new();
    files(&folder.path().join("data"), &mut kept);
    let on_disk = kept.iter().map(|path| (path.display().to_string(), std::fs::read(path).expect("a file")));
    let said = said.into_iter().map(|(place, bytes)| (place.to_owned(), bytes));
    for (place, bytes) in said.chain(on_disk) {
        let found = secrets.iter().find(|secret| holds(&bytes, secret));
        assert_eq!(found, None, "what nobody may see is in {place}");
    }
}

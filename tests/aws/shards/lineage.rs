//! Splits and merges under load.

use std::collections::BTreeMap;

use super::premises::{STREAM, Taker, Watched, read, settings, system};
use crate::standin::Standin;

#[tokio::test]
async fn splits_and_merges_under_load_keep_every_record_and_the_order_of_every_key() {
    const KEYS: u32 = 40;
    let standin = Standin::start();
    standin.world().create(STREAM, 2);
    let taker = Taker::new();
    let journal = Watched::new(system(), &taker);
    let shards = read(settings(), standin.kinesis(), &journal, &taker, system());
    let put = |range: std::ops::Range<u32>| {
        for n in range {
            let key = format!("key-{}", n % KEYS);
            assert!(standin.world().put(STREAM, &key, None, n.to_string().into_bytes()).is_ok());
        }
    };
    let quarter = 1_u128 << 126;
    put(0..400);
    taker.has_settled(100).await;
    assert!(standin.world().split(STREAM, "shardId-000000000000", quarter).is_ok()); // 2 and 3
    put(400..800);
    assert!(standin.world().split(STREAM, "shardId-000000000001", 3 * quarter).is_ok()); // 4 and 5
    put(800..1200);
    taker.has_settled(500).await;
    assert!(standin.world().merge(STREAM, "shardId-000000000003", "shardId-000000000004").is_ok()); // 6
    put(1200..1600);
    assert!(standin.world().merge(STREAM, "shardId-000000000002", "shardId-000000000006").is_ok()); // 7
    put(1600..2000);
    taker.has_settled(2000).await;
    shards.stop().await;

    assert_eq!(taker.numbers(), (0..2000).collect::<Vec<_>>(), "each once");
    taker.assert_order();
    let mut last: BTreeMap<u32, u32> = BTreeMap::new();
    for (shard, _, n) in taker.taken.lock().unwrap().iter() {
        let before = last.insert(n % KEYS, *n);
        assert!(before.is_none_or(|before| before < *n), "{n} in {shard} came after {before:?} of its key");
    }
    assert_eq!(*journal.ahead.lock().unwrap(), [""; 0]);
    for ended in [0, 1, 2, 3, 4, 6] {
        let shard = format!("shardId-{ended:012}");
        assert_eq!(journal.cursor(&shard).as_deref(), Some("ended"), "{shard}");
    }
    assert_eq!(standin.world().over_rate, 0);
}

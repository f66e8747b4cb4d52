//! Payloads too large for a message.

use sagaline_broker::nats::{PAYLOAD_BYTES_MAX, PayloadError, Payloads};
use serde_json::json;

use crate::common::Site;

#[tokio::test]
async fn a_large_value_travels_as_a_reference_and_comes_back_whole() {
    let (_site, connection) = Site::installed().await;
    let payloads = Payloads::open(&connection).await.unwrap();
    let small = json!({ "total": 3 });
    assert_eq!(payloads.offload(small.clone()).await.unwrap(), small);
    let items: Vec<_> = (0..100_000).map(|item| json!({ "item": item, "x": "yyyy" })).collect();
    let large = json!({ "items": items });
    let reference = payloads.offload(large.clone()).await.unwrap();
    let parts = &reference["$ref"];
    assert_eq!(parts["bucket"], "payloads");
    assert!(2_000_000 < parts["bytes"].as_u64().expect("a number"), "{parts}");
    assert_eq!(parts["key"], parts["sha256"]);

    // The same content is stored once.
    assert_eq!(payloads.offload(large.clone()).await.unwrap(), reference);
    let stored = connection.jetstream().get_stream("OBJ_payloads").await.unwrap().cached_info().state.bytes;
    assert!(stored < 2 * parts["bytes"].as_u64().expect("a number"), "{stored}");

    let nested = json!({ "order": [1, { "from": reference }] });
    assert_eq!(payloads.resolve(nested).await.unwrap(), json!({ "order": [1, { "from": large }] }));
    assert_eq!(payloads.resolve(small.clone()).await.unwrap(), small);
}

#[tokio::test]
async fn what_is_too_large_or_not_there_is_refused() {
    let (_site, connection) = Site::installed().await;
    let payloads = Payloads::open(&connection).await.unwrap();
    let huge = json!("x".repeat(PAYLOAD_BYTES_MAX));
    let error = payloads.offload(huge).await.expect_err("too large");
    assert!(matches!(error, PayloadError::TooLarge { .. }) && error.to_string().contains("64 MiB"), "{error}");
    let reference =
        |bytes: usize| json!({ "$ref": { "bucket": "payloads", "key": "k", "bytes": bytes, "sha256": "k" } });
    let error = payloads.resolve(reference(10)).await.expect_err("absent");
    assert!(matches!(error, PayloadError::Missing { .. }), "{error}");
    let many = json!([reference(PAYLOAD_BYTES_MAX), reference(1)]);
    assert!(matches!(payloads.resolve(many).await, Err(PayloadError::TooLarge { .. })));
}

#[tokio::test]
async fn a_payload_that_was_changed_is_noticed() {
    let (_site, connection) = Site::installed().await;
    let payloads = Payloads::open(&connection).await.unwrap();
    let mut reference = payloads.offload(json!("x".repeat(300_000))).await.unwrap();
    reference["$ref"]["sha256"] = json!("0".repeat(64));
    assert!(matches!(payloads.resolve(reference).await, Err(PayloadError::Corrupt { .. })));
}

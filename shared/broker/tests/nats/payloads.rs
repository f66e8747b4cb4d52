//! Payloads too large for a message.

use sagaline_broker::nats::{Connection, PAYLOAD_BYTES_MAX, PayloadError, PayloadOf, Payloads};
use serde_json::{Value, json};

use crate::common::Site;

const ORDER: PayloadOf<'_> = PayloadOf { partition: 0, execution: "order-1" };

/// So many bytes and messages are in the store.
async fn stored(connection: &Connection) -> (u64, u64) {
    let stream = connection.jetstream().get_stream("OBJ_payloads").await.unwrap();
    let state = &stream.cached_info().state;
    (state.bytes, state.messages)
}

fn large(text: &str) -> Value {
    json!({ "text": text.repeat(300_000 / text.len()) })
}

#[tokio::test]
async fn a_large_value_travels_as_a_reference_and_comes_back_whole() {
    let (_site, connection) = Site::installed().await;
    let payloads = Payloads::open(&connection).await.unwrap();
    let small = json!({ "total": 3 });
    assert_eq!(payloads.offload(ORDER, small.clone()).await.unwrap(), small);
    let items: Vec<_> = (0..100_000).map(|item| json!({ "item": item, "x": "yyyy" })).collect();
    let large = json!({ "items": items });
    let reference = payloads.offload(ORDER, large.clone()).await.unwrap();
    let parts = &reference["$ref"];
    assert_eq!(parts["bucket"], "payloads");
    assert!(2_000_000 < parts["bytes"].as_u64().expect("a number"), "{parts}");
    let sha256 = parts["sha256"].as_str().expect("a text");
    assert_eq!(parts["key"], format!("0.order-1.{sha256}"));

    // The same content is stored once for an execution.
    assert_eq!(payloads.offload(ORDER, large.clone()).await.unwrap(), reference);
    let (bytes, _) = stored(&connection).await;
    assert!(bytes < 2 * parts["bytes"].as_u64().expect("a number"), "{bytes}");

    let nested = json!({ "order": [1, { "from": reference }] });
    assert_eq!(payloads.resolve(nested).await.unwrap(), json!({ "order": [1, { "from": large }] }));
    assert_eq!(payloads.resolve(small.clone()).await.unwrap(), small);
}

/// Other clients of the object store see it as any object.
#[tokio::test]
async fn a_payload_is_an_object_like_any_other() {
    use tokio::io::AsyncReadExt;
    let (_site, connection) = Site::installed().await;
    let payloads = Payloads::open(&connection).await.unwrap();
    let reference = payloads.offload(ORDER, large("an object ")).await.unwrap();
    let store = connection.jetstream().get_object_store("payloads").await.unwrap();
    let mut object = store.get(reference["$ref"]["key"].as_str().unwrap()).await.unwrap();
    let mut bytes = vec![];
    object.read_to_end(&mut bytes).await.expect("it is whole, and its digest is right");
    assert_eq!(serde_json::from_slice::<Value>(&bytes).unwrap(), large("an object "));
}

#[tokio::test]
async fn what_is_too_large_or_not_there_is_refused() {
    let (_site, connection) = Site::installed().await;
    let payloads = Payloads::open(&connection).await.unwrap();
    let huge = json!("x".repeat(PAYLOAD_BYTES_MAX));
    let error = payloads.offload(ORDER, huge).await.expect_err("too large");
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
    let mut reference = payloads.offload(ORDER, json!("x".repeat(300_000))).await.unwrap();
    reference["$ref"]["sha256"] = json!("0".repeat(64));
    assert!(matches!(payloads.resolve(reference).await, Err(PayloadError::Corrupt { .. })));
}

/// However often it is tried: else the tries would take the last of the room.
#[tokio::test]
async fn a_payload_that_finds_no_room_leaves_nothing_behind() {
    let site = Site::start().await;
    let connection = site.connect().await;
    let small = sagaline_broker::nats::Installation { size_factor: 0.001, ..crate::common::small() };
    small.ensure(&connection).await.unwrap();
    let payloads = Payloads::open(&connection).await.unwrap();
    payloads.offload(ORDER, large("fits ")).await.unwrap();
    let before = stored(&connection).await;
    for _ in 0..3 {
        let error = payloads.offload(ORDER, json!("x".repeat(5 << 20))).await.expect_err("the store has 4 MiB");
        assert!(matches!(error, PayloadError::Full { .. }), "{error:?}");
    }
    assert_eq!(stored(&connection).await, before);
}

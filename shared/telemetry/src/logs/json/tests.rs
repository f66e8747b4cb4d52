use std::{io, sync::Mutex};

use tracing_subscriber::layer::SubscriberExt;

use super::*;

#[derive(Clone, Default)]
struct Written(Arc<Mutex<Vec<u8>>>);

impl io::Write for Written {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What `work` logs as a process of the service `orchestrator`.
fn written(work: impl FnOnce()) -> String {
    let written = Written::default();
    let writer = written.clone();
    let lines = JsonLines::new("orchestrator", "sagaline", move || writer.clone());
    tracing::subscriber::with_default(tracing_subscriber::registry().with(lines), work);
    let bytes = written.0.lock().unwrap().clone();
    String::from_utf8(bytes).unwrap()
}

/// The same, every line read as an object.
fn logged(work: impl FnOnce()) -> Vec<Map<String, Value>> {
    written(work).lines().map(|line| serde_json::from_str(line).expect(line)).collect()
}

#[test]
fn what_people_search_by_stands_on_top_wherever_it_comes_from() {
    let lines = logged(|| {
        let _execution = tracing::info_span!("execution", execution = "order-1", workflow = "order").entered();
        let _step = tracing::info_span!("step", step = "charge", attempt = 2).entered();
        tracing::warn!(target: "test", after_ms = 40, "the step failed");
    });
    let mut line = lines[0].clone();
    let timestamp = line.remove("timestamp").expect("a timestamp");
    assert!(timestamp.as_str().is_some_and(|text| text.ends_with('Z') && text.contains('T')), "{timestamp}");
    let expected = serde_json::json!({
        "level": "warn", "service": "orchestrator", "namespace": "sagaline", "target": "test", "message": "the step failed",
        "execution": "order-1", "workflow": "order", "step": "charge", "attempt": 2, "after_ms": 40,
    });
    assert_eq!(Value::Object(line), expected);
}

#[test]
fn an_event_carries_them_without_any_span() {
    let lines = logged(|| tracing::info!(execution = %"order-2", step = ?"pay", "done"));
    assert_eq!((&lines[0]["execution"], &lines[0]["step"]), (&"order-2".into(), &"\"pay\"".into()));
}

#[test]
fn the_inner_field_wins() {
    let lines = logged(|| {
        let _outer = tracing::info_span!("outer", attempt = 1, service = "executor").entered();
        tracing::info!("outside");
        let _inner = tracing::info_span!("inner", attempt = 2).entered();
        tracing::info!("inside");
        tracing::info!(attempt = 3, "innermost");
    });
    let attempts: Vec<_> = lines.iter().map(|line| line["attempt"].as_i64()).collect();
    assert_eq!(attempts, [Some(1), Some(2), Some(3)]);
    assert!(lines.iter().all(|line| line["service"] == "executor"));
}

#[test]
fn a_field_recorded_later_is_there_too() {
    let lines = logged(|| {
        let span = tracing::info_span!("step", step = "charge", attempt = tracing::field::Empty);
        span.record("attempt", 4);
        span.in_scope(|| tracing::info!("tried"));
    });
    assert_eq!(lines[0]["attempt"], 4);
}

#[test]
fn no_field_takes_the_place_of_what_the_line_itself_says() {
    let lines = logged(|| tracing::info!(level = 7, target = "somewhere", r#type = "T", "levels"));
    let line = &lines[0];
    assert_eq!((&line["level"], &line["field.level"]), (&"info".into(), &7.into()));
    assert_eq!((&line["field.target"], &line["type"]), (&"somewhere".into(), &"T".into()));
}

#[test]
fn a_line_stays_one_line_and_leads_with_what_is_read_first() {
    let text = written(|| tracing::info!(zebra = 1, execution = "e", alpha = f64::NAN, "first\nsecond"));
    assert_eq!(text.matches('\n').count(), 1, "{text}");
    let places: Vec<_> = ["timestamp", "level", "service", "message", "execution", "alpha", "zebra"]
        .map(|name| text.find(&format!("\"{name}\":")).expect(name))
        .into();
    assert!(places.is_sorted(), "{text}");
    assert!(text.contains("\"alpha\":null"), "{text}");
}

//! What a whole process writes to its standard error.

use std::{net::TcpListener, process::Command};

use sagaline_telemetry::{LogFormat, Telemetry, TelemetrySettings, set_parent};
use serde_json::Value;

/// The format in which the process that this test starts is to log.
const FORMAT: &str = "SAGALINE_TEST_LOG_FORMAT";

const TRACEPARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

/// Logs as a service does, if this is the process that another test started to see what it logs.
#[tokio::test]
async fn a_process_logs_to_standard_error_as_it_is_told() {
    match std::env::var(FORMAT) {
        Ok(format) => log_as_a_service(format.parse().expect("a format")).await,
        Err(_) => {
            read_what_a_process_logs_as_json();
            read_what_a_process_logs_as_text();
        }
    }
}

async fn log_as_a_service(log_format: LogFormat) {
    let settings = TelemetrySettings { log_format, ..TelemetrySettings::new("orchestrator") };
    let telemetry = Telemetry::start(settings).expect("it starts");
    let span = tracing::info_span!("step", execution = "order-1", workflow = "order", step = "charge", attempt = 2);
    set_parent(&span, TRACEPARENT);
    span.in_scope(|| tracing::info!("dispatched"));
    drop(span);
    tracing::debug!("of no interest");
    telemetry.shutdown().await;
}

/// The lines that a process with this format logs, `SAGALINE_LOG` being `filter`. Its collector takes nothing.
fn logged(format: &str, filter: &str) -> Vec<String> {
    let nobody = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a free port");
    let output = Command::new(std::env::current_exe().expect("this test"))
        .args(["--exact", "a_process_logs_to_standard_error_as_it_is_told", "--nocapture"])
        .env(FORMAT, format)
        .env("SAGALINE_LOG", filter)
        .env("OTEL_EXPORTER_OTLP_ENDPOINT", format!("http://{nobody}"))
        .output()
        .expect("it runs");
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stderr).expect("text").lines().map(str::to_owned).collect()
}

fn read_what_a_process_logs_as_json() {
    let lines = logged("json", "");
    let objects: Vec<Value> = lines.iter().map(|line| serde_json::from_str(line).expect(line)).collect();
    let dispatched = objects.iter().find(|line| line["message"] == "dispatched").expect("the line");
    let of = |name: &str| dispatched[name].clone();
    assert_eq!(
        [of("execution"), of("workflow"), of("step"), of("attempt")],
        ["order-1".into(), "order".into(), "charge".into(), Value::from(2)]
    );
    assert_eq!([of("service"), of("namespace"), of("level")], ["orchestrator", "sagaline", "info"].map(Value::from));
    assert_eq!(of("trace_id"), "0af7651916cd43dd8448eb211c80319c", "logs and traces find each other");
    let away: Vec<_> =
        objects.iter().filter(|line| line["level"] == "warn" && line["endpoint"] != Value::Null).collect();
    assert_eq!(away.len(), 1, "the collector that is away is said once: {lines:?}");
    assert!(!objects.iter().any(|line| line["message"] == "of no interest"), "{lines:?}");
    assert!(logged("json", "logs=debug").iter().any(|line| line.contains("of no interest")));
    let quiet = logged("json", "warn");
    assert!(!quiet.iter().any(|line| line.contains("dispatched")), "{quiet:?}");
    assert!(quiet.iter().any(|line| line.contains("takes no spans")), "what is not logged is traced: {quiet:?}");
}

fn read_what_a_process_logs_as_text() {
    let lines = logged("text", "info");
    let dispatched = lines.iter().find(|line| line.contains("dispatched")).expect("the line");
    for part in ["INFO", "execution=\"order-1\"", "attempt=2"] {
        assert!(dispatched.contains(part), "{dispatched}");
    }
    assert!(!dispatched.contains('\u{1b}'), "no colour where it is no terminal: {dispatched}");
}

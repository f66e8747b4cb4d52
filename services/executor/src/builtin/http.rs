//! `http`: one request, one answer. Redirects are not followed: the definition sees them as they are.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use bytes::Bytes;
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::{
    Method, Request, Response, StatusCode, Uri,
    body::Incoming,
    header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue},
};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::{
    client::legacy::{self, connect::HttpConnector},
    rt::{TokioExecutor, TokioTimer},
};
use sagaline_model::Span;
use sagaline_sdk::worker::{ActivityContext, ActivityError};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::time::timeout;

/// Larger answers are refused: an output is kept with the execution.
const BODY_BYTES_MAX: usize = 8 * 1024 * 1024;
/// What an error keeps of the answer's body.
const QUOTED_BYTES_MAX: usize = 4 * 1024;
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(30);
const CONNECT_WITHIN: Duration = Duration::from_secs(10);
/// Connections that nobody uses are kept so long.
const IDLE: Duration = Duration::from_secs(30);
const IDLE_PER_HOST: usize = 32;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Input {
    #[serde(default = "get")]
    method: String,
    url: String,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    /// Text goes as it is, anything else as JSON.
    #[serde(default)]
    body: Value,
    /// For the whole exchange.
    timeout: Option<Span>,
}

fn get() -> String {
    "GET".to_owned()
}

#[derive(Debug, Serialize)]
pub(super) struct Output {
    status: u16,
    headers: BTreeMap<String, String>,
    /// JSON if it is, text otherwise.
    body: Value,
}

type Inner = legacy::Client<HttpsConnector<HttpConnector>, Full<Bytes>>;

/// Shares its connections among all requests.
#[derive(Clone)]
pub(super) struct Client {
    /// Or why there can be none.
    inner: Result<Inner, Arc<str>>,
}

impl Client {
    pub(super) fn new() -> Self {
        Self { inner: client().map_err(|why| why.into()) }
    }

    pub(super) async fn call(self, context: ActivityContext, input: Input) -> Result<Output, ActivityError> {
        let client = self.inner.map_err(|why| ActivityError::new("HttpConnect", why.as_ref()).not_retryable())?;
        let within = input.timeout.map_or(DEFAULT_TIMEOUT, Into::into);
        let request = request(&context, input)?;
        let exchange = context.cancellation().run_until_cancelled(timeout(within, exchange(&client, request)));
        match exchange.await {
            None => Err(super::cancelled()),
            Some(Err(_)) => Err(ActivityError::new("Timeout", format!("no whole answer within {within:?}"))),
            Some(Ok(answer)) => answer,
        }
    }
}

fn client() -> Result<Inner, String> {
    let provider = rustls::crypto::ring::default_provider();
    let builder = HttpsConnectorBuilder::new().with_provider_and_native_roots(provider);
    let builder = builder.map_err(|error| format!("this system has no certificates to trust: {error}"))?;
    let mut connector = HttpConnector::new();
    connector.enforce_http(false);
    connector.set_connect_timeout(Some(CONNECT_WITHIN));
    connector.set_nodelay(true);
    let connector = builder.https_or_http().enable_http1().wrap_connector(connector);
    Ok(legacy::Client::builder(TokioExecutor::new())
        .pool_idle_timeout(IDLE)
        .pool_timer(TokioTimer::new())
        .pool_max_idle_per_host(IDLE_PER_HOST)
        .build(connector))
}

fn request(context: &ActivityContext, input: Input) -> Result<Request<Full<Bytes>>, ActivityError> {
    let bad = |what: &str, text: &str| ActivityError::new("BadInput", format!("`{text}` is no {what}")).not_retryable();
    let uri: Uri = input.url.parse().map_err(|_| bad("URL", &input.url))?;
    if uri.host().is_none() || !matches!(uri.scheme_str(), Some("http" | "https")) {
        return Err(bad("URL that begins with http:// or https://", &input.url));
    }
    let method = input.method.to_ascii_uppercase();
    let method = Method::from_bytes(method.as_bytes()).map_err(|_| bad("method", &input.method))?;
    let mut headers = HeaderMap::new();
    for (name, value) in &input.headers {
        let header = HeaderName::from_bytes(name.as_bytes()).map_err(|_| bad("name of a header", name))?;
        headers.insert(header, value.parse().map_err(|_| bad("value of a header", value))?);
    }
    let body = match input.body {
        Value::Null => Bytes::new(),
        Value::String(text) => text.into(),
        json => {
            headers.entry(CONTENT_TYPE).or_insert(HeaderValue::from_static("application/json"));
            json.to_string().into()
        }
    };
    // Whoever understands these can tell a second try from a second request, and join the trace.
    for (name, value) in [("idempotency-key", Some(context.idempotency_key())), ("traceparent", context.traceparent())]
    {
        if let Some(value) = value.and_then(|value| value.parse().ok()) {
            headers.entry(name).or_insert(value);
        }
    }
    let mut request = Request::new(Full::new(body));
    (*request.method_mut(), *request.uri_mut(), *request.headers_mut()) = (method, uri, headers);
    Ok(request)
}

async fn exchange(client: &Inner, request: Request<Full<Bytes>>) -> Result<Output, ActivityError> {
    let what = format!("{} {}", request.method(), request.uri());
    let broken =
        |error: &dyn std::error::Error| ActivityError::new("HttpConnect", format!("{what}: {}", causes(error)));
    let answer = client.request(request).await.map_err(|error| broken(&error))?;
    let (status, headers) = (answer.status(), told(answer.headers()));
    let body = match read(answer).await {
        Ok(body) => body,
        Err(error) if error.is::<LengthLimitError>() => {
            let why = format!("{what}: the answer is larger than {BODY_BYTES_MAX} bytes (8 MiB)");
            return Err(ActivityError::new("HttpBodyTooLarge", why).not_retryable());
        }
        Err(error) => return Err(broken(&*error)),
    };
    if status.is_client_error() || status.is_server_error() {
        let error = ActivityError::new("HttpStatus", format!("{what}: {status}"));
        let quoted = body.slice(..body.len().min(QUOTED_BYTES_MAX));
        let error =
            error.with_details(json!({ "status": status.as_u16(), "headers": headers, "body": value(&quoted) }));
        return Err(if may_pass(status) { error } else { error.not_retryable() });
    }
    Ok(Output { status: status.as_u16(), headers, body: value(&body) })
}

async fn read(answer: Response<Incoming>) -> Result<Bytes, Box<dyn std::error::Error + Send + Sync>> {
    Ok(Limited::new(answer.into_body(), BODY_BYTES_MAX).collect().await?.to_bytes())
}

/// Whether the same request may fare better later.
fn may_pass(status: StatusCode) -> bool {
    status.is_server_error() || matches!(status, StatusCode::TOO_MANY_REQUESTS | StatusCode::REQUEST_TIMEOUT)
}

fn told(headers: &HeaderMap) -> BTreeMap<String, String> {
    let mut told = BTreeMap::<String, String>::new();
    for (name, value) in headers {
        let value = String::from_utf8_lossy(value.as_bytes());
        told.entry(name.as_str().to_owned())
            .and_modify(|all| *all = format!("{all}, {value}"))
            .or_insert_with(|| value.into());
    }
    told
}

fn value(body: &Bytes) -> Value {
    if body.is_empty() {
        return Value::Null;
    }
    serde_json::from_slice(body).unwrap_or_else(|_| String::from_utf8_lossy(body).into_owned().into())
}

fn causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_may_pass_is_tried_again() {
        let passes = |status| may_pass(StatusCode::from_u16(status).expect("a status"));
        for (status, expected) in
            [(500, true), (503, true), (429, true), (408, true), (400, false), (404, false), (409, false)]
        {
            assert_eq!(passes(status), expected, "{status}");
        }
    }

    #[test]
    fn a_body_is_json_if_it_can_be() {
        assert_eq!(value(&Bytes::from_static(b"{\"a\":1}")), json!({ "a": 1 }));
        assert_eq!(value(&Bytes::from_static(b"hello")), json!("hello"));
        assert_eq!(value(&Bytes::new()), Value::Null);
    }
}

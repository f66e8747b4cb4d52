//! Fetching a page, as a health check and Prometheus do.

use std::time::Duration;

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

/// Status and body of `http://host:port/path`; nothing if there is no answer in time.
pub async fn fetch(url: &str, within: Duration) -> Option<(u16, String)> {
    let (address, path) = url.strip_prefix("http://")?.split_once('/')?;
    let request = format!("GET /{path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    let exchange = async {
        let mut stream = TcpStream::connect(address).await.ok()?;
        stream.write_all(request.as_bytes()).await.ok()?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.ok()?;
        Some(answer)
    };
    let answer = timeout(within, exchange).await.ok()??;
    let (head, body) = answer.split_once("\r\n\r\n")?;
    Some((head.split(' ').nth(1)?.parse().ok()?, body.to_owned()))
}

/// The sum of all samples of a metric on a page in Prometheus's text format.
pub fn sum(page: &str, metric: &str) -> f64 {
    let of_it = |line: &&str| line.strip_prefix(metric).is_some_and(|rest| rest.starts_with(['{', ' ']));
    let samples = page.lines().filter(of_it).filter_map(|line| line.rsplit(' ').next());
    samples.map(|sample| sample.parse::<f64>().unwrap_or_else(|_| panic!("`{sample}` is no sample"))).sum()
}

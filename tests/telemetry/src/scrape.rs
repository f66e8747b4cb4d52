//! What a process exposes on `/metrics`.

use std::{fs, path::Path, time::Duration};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::{Instant, sleep},
};

const WITHIN: Duration = Duration::from_secs(30);

/// The text of `/metrics` of every service that logs into `folder` and still lives, by the name of its program.
pub async fn all(folder: &Path) -> Vec<(String, String)> {
    let mut found = vec![];
    for entry in fs::read_dir(folder).expect("the folder of logs") {
        let path = entry.expect("an entry").path();
        let name = path.file_stem().and_then(|name| name.to_str()).unwrap_or_default().to_owned();
        let service = name.strip_prefix("sagaline-").and_then(|rest| rest.rsplit_once('-')).map(|(service, _)| service);
        if let Some(service) = service.filter(|service| ["orchestrator", "executor", "trigger"].contains(service)) {
            found.extend(get(&address(&path).await).await.map(|text| (service.to_owned(), text)));
        }
    }
    found
}

/// The address that a service said it serves.
async fn address(log: &Path) -> String {
    let deadline = Instant::now() + WITHIN;
    loop {
        let text = fs::read_to_string(log).expect("a log");
        let line = text.lines().find(|line| line.contains("serving `/healthz`"));
        if let Some((_, address)) = line.and_then(|line| line.rsplit_once("address=")) {
            return address.trim().to_owned();
        }
        assert!(Instant::now() < deadline, "{} serves nothing", log.display());
        sleep(Duration::from_millis(50)).await;
    }
}

/// Nothing if nobody listens there any more.
async fn get(address: &str) -> Option<String> {
    let mut stream = TcpStream::connect(address).await.ok()?;
    stream.write_all(b"GET /metrics HTTP/1.1\r\nHost: test\r\n\r\n").await.expect("it is taken");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.expect("an answer");
    Some(answer.split_once("\r\n\r\n").expect("a head").1.to_owned())
}

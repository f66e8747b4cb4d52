//! A web server for the `http` activity: each path shows one way to answer.

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

/// Serves until the test ends; gives the address.
pub(crate) async fn serve() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(exchange(stream));
        }
    });
    format!("http://{address}")
}

async fn exchange(mut stream: TcpStream) {
    let mut request = Vec::new();
    while !is_whole(&request) {
        if stream.read_buf(&mut request).await.expect("readable") == 0 {
            return;
        }
    }
    let request = String::from_utf8(request).expect("text");
    let path = request.split(' ').nth(1).expect("a request line");
    let (status, kind, body) = match path {
        "/echo" => ("200 OK", "text/plain", request.clone()),
        "/json" => ("201 Created", "application/json", r#"{"receipt":[1,2]}"#.to_owned()),
        "/large" => ("200 OK", "text/plain", "x".repeat(9 * 1024 * 1024)),
        "/busy" => ("503 Service Unavailable", "application/json", r#"{"retry":"later"}"#.to_owned()),
        "/slow" => std::future::pending().await,
        _ => ("404 Not Found", "text/plain", "nothing here".to_owned()),
    };
    let length = body.len();
    let head =
        format!("HTTP/1.1 {status}\r\ncontent-type: {kind}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n");
    // Whoever refuses a body that is too large closes the connection under our hands.
    stream.write_all(&[head.as_bytes(), body.as_bytes()].concat()).await.ok();
}

fn is_whole(request: &[u8]) -> bool {
    let text = String::from_utf8_lossy(request);
    let Some((head, body)) = text.split_once("\r\n\r\n") else { return false };
    let length = head.lines().filter_map(|line| line.split_once(": ")).find(|(name, _)| *name == "content-length");
    length.is_none_or(|(_, length)| length.parse() == Ok(body.len()))
}

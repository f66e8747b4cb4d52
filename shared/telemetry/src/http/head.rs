//! Reads as much of a request as these pages need: the method and the path. Headers and bodies are passed over.

/// A whole head: request line and headers. Browsers with many cookies send 4 KiB.
pub(super) const LONGEST_HEAD: usize = 8 * 1024;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Head {
    pub method: String,
    /// Without the query.
    pub path: String,
}

impl Head {
    pub(super) fn wants_body(&self) -> bool {
        self.method != "HEAD"
    }
}

/// Why bytes are not a request that could be answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Malformed {
    NotHttp,
    TooLong,
    Version,
}

/// The head at the start of what was received so far; nothing as long as it may still become one.
pub(super) fn parse(received: &[u8]) -> Option<Result<Head, Malformed>> {
    let line = received.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let line_ended = line.len() < received.len();
    if line_ended && let Err(malformed) = request_line(line) {
        return Some(Err(malformed));
    }
    if received.len() > LONGEST_HEAD {
        return Some(Err(Malformed::TooLong));
    }
    received.windows(4).any(|end| end == b"\r\n\r\n").then(|| request_line(line))
}

fn request_line(line: &[u8]) -> Result<Head, Malformed> {
    let text = line.strip_suffix(b"\r").and_then(|line| str::from_utf8(line).ok()).ok_or(Malformed::NotHttp)?;
    let [method, target, version] = text.split(' ').collect::<Vec<_>>()[..] else { return Err(Malformed::NotHttp) };
    let is_method = !method.is_empty() && method.bytes().all(|byte| byte.is_ascii_uppercase());
    if !is_method || !target.starts_with('/') || !version.starts_with("HTTP/") {
        return Err(Malformed::NotHttp);
    }
    if version != "HTTP/1.1" && version != "HTTP/1.0" {
        return Err(Malformed::Version);
    }
    let path = target.split('?').next().unwrap_or(target);
    Ok(Head { method: method.to_owned(), path: path.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_is_read_wherever_the_packets_part() {
        let whole = b"GET /readyz?verbose HTTP/1.1\r\nHost: x\r\n\r\nrest";
        let head = Head { method: "GET".into(), path: "/readyz".into() };
        let end = whole.len() - 4;
        for received in 0..end {
            assert_eq!(parse(&whole[..received]), None, "{received} bytes");
        }
        for received in end..=whole.len() {
            assert_eq!(parse(&whole[..received]), Some(Ok(head.clone())));
        }
    }

    #[test]
    fn garbage_is_told_at_its_first_line() {
        for garbage in [
            &b"\x16\x03\x01\x02\x00\n"[..],
            b"hello\r\n",
            b"GET /\r\n",
            b"GET x HTTP/1.1\r\n",
            b"\r\n",
            b"get / HTTP/1.1\r\n",
        ] {
            assert_eq!(parse(garbage), Some(Err(Malformed::NotHttp)), "{}", String::from_utf8_lossy(garbage));
        }
        assert_eq!(parse(b"PRI * HTTP/2.0\r\n\r\n"), Some(Err(Malformed::NotHttp)));
        assert_eq!(parse(b"GET / HTTP/2.0\r\n"), Some(Err(Malformed::Version)));
    }

    #[test]
    fn a_head_has_an_end_or_is_refused() {
        let endless = [&b"GET / HTTP/1.1\r\n"[..], &vec![b'a'; LONGEST_HEAD]].concat();
        assert_eq!(parse(&endless[..LONGEST_HEAD]), None);
        assert_eq!(parse(&endless), Some(Err(Malformed::TooLong)));
    }
}

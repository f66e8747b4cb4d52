//! Secrets that stand in a definition, or in the file of a project. Those are stored, and shown to whoever may read them.

use crate::{
    reader::Reader,
    tree::{Content, Node},
};

const HINT: &str =
    "definitions are stored, and shown to whoever may read them; let the activity read it from its own environment";

/// What the last word of a key says of its value.
const WORDS: [&str; 9] =
    ["password", "passwd", "passphrase", "secret", "token", "apikey", "credential", "credentials", "authorization"];
/// A key that opens something.
const KEYS: [&str; 7] = ["api", "access", "private", "secret", "client", "signing", "encryption"];
/// What is said there describes values; it is none.
const SCHEMAS: [&str; 2] = ["input_schema", "schema"];
/// How a value says where the secret is.
const ELSEWHERE: [&str; 6] = ["env:", "vault:", "file:", "ref:", "secret:", "arn:"];

/// Notes what looks like one.
pub(crate) fn secrets(reader: &mut Reader, node: &Node) {
    match &node.content {
        Content::Text(text) => {
            if let Some(what) = known(&text.value) {
                reader.warning(node.place, format!("this looks like {what}, in plain text")).hint(HINT);
            }
        }
        Content::Plain(..) => {}
        Content::List(items) => items.iter().for_each(|item| secrets(reader, item)),
        Content::Map(entries) => {
            for entry in entries.iter().filter(|entry| !SCHEMAS.contains(&entry.key.text.as_str())) {
                match &entry.value.content {
                    Content::Text(text) if is_secret(&entry.key.text) && is_literal(&text.value) => {
                        let message =
                            format!("`{}` looks like a secret, in plain text", crate::syntax::shown(&entry.key.text));
                        reader.warning(entry.value.place, message).hint(HINT);
                    }
                    _ => secrets(reader, &entry.value),
                }
            }
        }
    }
}

fn is_literal(text: &str) -> bool {
    !text.is_empty() && !text.contains("${") && !ELSEWHERE.iter().any(|start| text.starts_with(start))
}

/// Whether a key of this name holds one: `password`, `smtp_password`, `apiKey`.
fn is_secret(key: &str) -> bool {
    let words = words(key);
    match words.as_slice() {
        [.., before, last] if last == "key" => KEYS.contains(&before.as_str()),
        [.., last] => WORDS.contains(&last.as_str()),
        [] => false,
    }
}

fn words(key: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut was_lower = false;
    for c in key.chars() {
        if !c.is_alphanumeric() || (c.is_uppercase() && was_lower) {
            words.push(String::new());
        }
        was_lower = c.is_lowercase();
        if let Some(word) = words.last_mut().filter(|_| c.is_alphanumeric()) {
            word.extend(c.to_lowercase());
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

/// What a text is that has the shape of a secret, wherever in it that stands.
fn known(text: &str) -> Option<&'static str> {
    if text.contains("-----BEGIN ") && text.contains("PRIVATE KEY-----") {
        return Some("a private key");
    }
    text.split(|c: char| c.is_whitespace() || matches!(c, '"' | '\'' | ',' | ';')).find_map(known_word)
}

fn known_word(word: &str) -> Option<&'static str> {
    let starts = |start: &str, rest: usize| {
        word.strip_prefix(start).is_some_and(|after| rest <= after.len() && after.chars().all(is_of_token))
    };
    let is_aws = |id: &str| id.len() == 20 && id.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit());
    match word {
        _ if (word.starts_with("AKIA") || word.starts_with("ASIA")) && is_aws(word) => Some("a key of AWS"),
        _ if ["ghp_", "gho_", "ghs_", "ghu_", "github_pat_"].iter().any(|start| starts(start, 30)) => {
            Some("a token of GitHub")
        }
        _ if ["sk_live_", "rk_live_"].iter().any(|start| starts(start, 16)) => Some("a key of Stripe"),
        _ if ["xoxb-", "xoxp-", "xoxa-"].iter().any(|start| starts(start, 16)) => Some("a token of Slack"),
        _ if is_jwt(word) => Some("a JSON Web Token"),
        _ if has_password(word) => Some("an address with a password"),
        _ => None,
    }
}

fn is_of_token(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '-' | '_')
}

fn is_jwt(word: &str) -> bool {
    let parts: Vec<&str> = word.splitn(4, '.').collect();
    matches!(parts.as_slice(), [head, body, _] if head.starts_with("eyJ") && body.starts_with("eyJ"))
        && parts.iter().all(|part| 10 <= part.len() && part.chars().all(is_of_token))
}

/// `scheme://user:password@host`; a password that is computed is none.
fn has_password(word: &str) -> bool {
    let Some((_, rest)) = word.split_once("://") else { return false };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or(rest);
    let password = authority.rsplit_once('@').and_then(|(user, _)| user.split_once(':')).map(|(_, password)| password);
    password.is_some_and(|password| !password.is_empty() && !password.contains('$') && !password.contains('}'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_of_secrets_are_told_from_others() {
        for key in [
            "password",
            "smtp_password",
            "apiKey",
            "API_KEY",
            "client-secret",
            "accessToken",
            "private_key",
            "Authorization",
        ] {
            assert!(is_secret(key), "{key}");
        }
        for key in
            ["key", "order_key", "tokens", "max_tokens", "token_count", "password_file", "secretary", "context_key", ""]
        {
            assert!(!is_secret(key), "{key}");
        }
    }

    #[test]
    fn shapes_of_secrets_are_told_from_other_texts() {
        let jwt = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N";
        for (text, what) in [
            (format!("AKIA{}", "IOSFODNN7EXAMPLE"), "a key of AWS"),
            (format!("Bearer {jwt}"), "a JSON Web Token"),
            (format!("ghp_{}", "a1".repeat(18)), "a token of GitHub"),
            ("postgres://shop:hunter2@db/orders".to_owned(), "an address with a password"),
            ("-----BEGIN RSA PRIVATE KEY-----\nMII".to_owned(), "a private key"),
        ] {
            assert_eq!(known(&text), Some(what), "{text}");
        }
        for text in [
            "AKIA",
            "https://example.com/a:b@c",
            "nats://127.0.0.1:4222",
            "mail ann@example.com",
            "https://u:${ config.p }@h",
            "a.b.c",
            "sk_live_",
        ] {
            assert_eq!(known(text), None, "{text}");
        }
    }
}

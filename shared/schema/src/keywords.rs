//! The keywords of JSON Schema 2020-12: where schemas stand inside a schema, what is refused, and what is only said.

/// The value is a schema.
pub(crate) const SCHEMA: [&str; 10] = [
    "additionalProperties",
    "contains",
    "else",
    "if",
    "items",
    "not",
    "propertyNames",
    "then",
    "unevaluatedItems",
    "unevaluatedProperties",
];

/// The value is a list of schemas.
pub(crate) const LIST: [&str; 4] = ["allOf", "anyOf", "oneOf", "prefixItems"];

/// The value is a map of schemas that check something.
pub(crate) const MAP: [&str; 3] = ["dependentSchemas", "patternProperties", "properties"];

/// The value is a map of schemas that check nothing unless they are referred to.
pub(crate) const DEFINITIONS: [&str; 2] = ["$defs", "definitions"];

/// Has a value of its own kind, which the dialect checks.
pub(crate) const PLAIN: [&str; 34] = [
    "$comment",
    "$id",
    "$ref",
    "$schema",
    "const",
    "contentEncoding",
    "contentMediaType",
    "contentSchema",
    "default",
    "dependentRequired",
    "deprecated",
    "description",
    "enum",
    "examples",
    "exclusiveMaximum",
    "exclusiveMinimum",
    "format",
    "maxContains",
    "maxItems",
    "maxLength",
    "maxProperties",
    "maximum",
    "minContains",
    "minItems",
    "minLength",
    "minProperties",
    "minimum",
    "multipleOf",
    "pattern",
    "readOnly",
    "required",
    "title",
    "type",
    "uniqueItems",
];

/// What is refused, with what to write instead: it belongs to older dialects, or finds its target while a check goes on.
pub(crate) const REFUSED: [(&str, &str); 9] = [
    ("$anchor", "refer to a place: `$ref: \"#/$defs/NAME\"`"),
    ("$dynamicAnchor", "refer to a place: `$ref: \"#/$defs/NAME\"`"),
    ("$dynamicRef", "refer to a place: `$ref: \"#/$defs/NAME\"`"),
    ("$recursiveAnchor", "refer to a place: `$ref: \"#/$defs/NAME\"`"),
    ("$recursiveRef", "refer to a place: `$ref: \"#/$defs/NAME\"`"),
    ("$vocabulary", "leave it out"),
    ("additionalItems", "JSON Schema 2020-12 says `prefixItems` and `items`"),
    ("dependencies", "JSON Schema 2020-12 says `dependentRequired` or `dependentSchemas`"),
    ("id", "leave it out"),
];

/// The formats that are checked. Each takes time in proportion to the text.
pub(crate) const FORMATS: [&str; 12] = [
    "date",
    "date-time",
    "duration",
    "email",
    "hostname",
    "ipv4",
    "ipv6",
    "json-pointer",
    "time",
    "uri",
    "uri-reference",
    "uuid",
];

/// The dialect, as `$schema` may name it.
pub(crate) const DIALECT: &str = "https://json-schema.org/draft/2020-12/schema";

/// Every keyword that means something, in no order.
pub fn all() -> impl Iterator<Item = &'static str> {
    SCHEMA.into_iter().chain(LIST).chain(MAP).chain(DEFINITIONS).chain(PLAIN)
}

pub(crate) fn is_known(keyword: &str) -> bool {
    all().any(|known| known == keyword)
}

//! What a definition says that is probably not meant. It can be applied all the same: these are warnings.
//!
//! Whatever is told here must be worth reading: none of the examples has any of it.

mod idle;
mod kinds;
mod secrets;
mod unread;

use sagaline_model::Plan;
use serde_json::{Map, Value};

pub(crate) use self::secrets::secrets;
use crate::{outline::Outline, reader::Reader, tree::Node};

/// A definition without faults.
pub(crate) struct Looked<'a> {
    pub(crate) document: &'a Node,
    pub(crate) outline: &'a Outline,
    pub(crate) plan: &'a Plan,
    /// The values of the project, if they are known.
    pub(crate) config: Option<&'a Map<String, Value>>,
}

pub(crate) fn tell(reader: &mut Reader, looked: &Looked) {
    secrets(reader, looked.document);
    idle::tell(reader, looked);
    unread::tell(reader, looked);
    kinds::tell(reader, looked);
}

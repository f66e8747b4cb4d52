//! A defect of ours must not stop a partition: it sets aside what it was met at, on every replica alike.

use std::panic::{AssertUnwindSafe, catch_unwind};

/// What `work` gives, or what it said when it stopped at a defect. Whatever it was at may be half done then, and is to be replaced.
pub fn caught<T>(what: &str, work: impl FnOnce() -> T) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(work)).map_err(|panic| {
        let cause = panic.downcast_ref::<String>().cloned();
        let cause = cause.or_else(|| panic.downcast_ref::<&str>().map(|cause| (*cause).to_owned()));
        cause.unwrap_or_else(|| format!("{what} stopped at a defect"))
    })
}

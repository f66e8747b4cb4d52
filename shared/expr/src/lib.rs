//! CEL expressions with bounds.

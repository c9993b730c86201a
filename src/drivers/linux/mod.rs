//! Linux: one kernel file a module.

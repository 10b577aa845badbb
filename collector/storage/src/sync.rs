//! Locks, channels and threads, from the standard library. With the feature `schedules` they are shuttle's, whose seeded
//! scheduler decides at each of them which thread goes on: the test `schedules` goes through thousands of orders so.
//! What only counts stays with the standard library, for its order says nothing.

#[cfg(not(feature = "schedules"))]
pub(crate) use std::{
    sync::{Condvar, Mutex, MutexGuard, RwLock, RwLockReadGuard, RwLockWriteGuard, atomic, mpsc},
    thread,
};

#[cfg(feature = "schedules")]
pub(crate) use shuttle::{
    sync::{Condvar, Mutex, MutexGuard, RwLock, RwLockReadGuard, RwLockWriteGuard, atomic, mpsc},
    thread,
};

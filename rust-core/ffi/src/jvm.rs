//! The JVM: found when the library is loaded, told to each thread of the engine once.
//!
//! `System.loadLibrary` runs [`JNI_OnLoad`]; JNA's `Native.register` does not, so Kotlin's
//! `NativeLibrary` calls both. Without either nothing here fails: the threads are then attached by
//! JNA for each callback, at a price, and there is no log on Android.

#![allow(unsafe_code)] // The JVM calls in by C names and raw pointers; each use says why it is sound.

use jni::sys::{JNI_VERSION_1_6, jint};
use jni::{AttachConfig, JavaVM, jni_str};
use std::ffi::c_void;

/// Called by the JVM when the library is loaded. Remembers the JVM and turns the log on.
#[unsafe(no_mangle)]
pub(crate) extern "system" fn JNI_OnLoad(vm: *mut jni::sys::JavaVM, _reserved: *mut c_void) -> jint {
    // SAFETY: the JVM hands its own pointer, valid for as long as the process lives. `from_raw`
    // keeps it as the process's one JVM, where `JavaVM::singleton` finds it.
    let _vm = unsafe { JavaVM::from_raw(vm) };
    set_up_log();
    JNI_VERSION_1_6
}

/// Attaches the calling thread to the JVM until it ends, so that no callback pays for it.
pub(crate) fn attach_thread() {
    let Ok(vm) = JavaVM::singleton() else { return };
    let config = || AttachConfig::default().thread_name(jni_str!("chat-core"));
    if let Err(error) = vm.attach_current_thread_with_config(config, None, |_| jni::errors::Result::Ok(())) {
        log::warn!("attaching a thread to the JVM: {error}");
    }
}

#[cfg(target_os = "android")]
fn set_up_log() {
    android_logger::init_once(
        android_logger::Config::default().with_max_level(log::LevelFilter::Info).with_tag("chat-core"),
    );
}

/// Elsewhere the process that loads the library has its own idea of a log, or none.
#[cfg(not(target_os = "android"))]
fn set_up_log() {}

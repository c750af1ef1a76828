//! Workers whose children misbehave in every way that a child can.

#![allow(clippy::unwrap_used, reason = "a test")]

use std::{
    path::PathBuf,
    thread,
    time::{Duration, Instant},
};

use gristmill_core::FaultKind;
use gristmill_worker::Workers;

/// The example beside the tests, which cargo builds with all of them.
fn child() -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let target = test.parent().unwrap().parent().unwrap();
    let child = target
        .join("examples")
        .join(format!("codec_worker{}", std::env::consts::EXE_SUFFIX));
    assert!(
        child.is_file(),
        "cargo build --example codec_worker has to come first where tests are run alone"
    );
    child
}

fn workers() -> Workers {
    Workers::new(child(), Vec::<String>::new()).guard(Duration::from_secs(20))
}

const ECHO: u32 = 0;

#[track_caller]
fn check(codec: u32, kind: FaultKind, detail: &str) {
    let workers = workers();
    // Once in a fresh child and once in one that has worked before; both are the same.
    for is_used in [false, true] {
        if is_used {
            workers.check().unwrap();
        }
        let fault = workers.call(codec, &[b"a", b"bc"], 1000).unwrap_err();
        assert_eq!(fault.kind, kind, "{fault}");
        assert!(fault.detail.contains(detail), "{fault}");
        // The next request is answered.
        assert_eq!(workers.call(ECHO, &[b"a", b"bc"], 3).unwrap(), b"abc");
    }
}

#[test]
fn a_request_is_answered_again_and_again() {
    let workers = workers();
    for length in [0, 1, 65_536, 3_000_000] {
        let request = vec![9; length];
        assert_eq!(workers.call(ECHO, &[&request], length as u64).unwrap(), request);
    }
}

#[test]
fn threads_have_a_child_each() {
    let workers = workers();
    thread::scope(|scope| {
        for index in 0..4_u8 {
            let workers = &workers;
            scope.spawn(move || {
                for turn in 0..50 {
                    let request = [index, turn];
                    assert_eq!(workers.call(ECHO, &[&request], 2).unwrap(), request);
                }
            });
        }
    });
}

#[test]
fn a_child_that_crashes_is_an_internal_fault() {
    check(100, FaultKind::Internal, "codec worker ends before it answers");
}

#[test]
fn successors_of_a_child_that_crashes_were_started_before() {
    let workers = workers();
    let age = || {
        let answer = workers.call(108, &[], 8).unwrap();
        u64::from_le_bytes(answer.try_into().unwrap())
    };
    workers.check().unwrap();
    // The machine may be too busy for them to be there at once.
    for _ in 0..50 {
        thread::sleep(Duration::from_millis(300));
        // Both the child that is known and its successor.
        workers.call(100, &[], 0).unwrap_err();
        if age() >= 250 {
            return;
        }
    }
    panic!("no child was there before it was needed");
}

#[test]
fn a_child_that_ends_is_an_internal_fault() {
    check(101, FaultKind::Internal, "codec worker ends before it answers");
}

#[test]
fn an_answer_that_is_none_is_an_internal_fault() {
    check(
        103,
        FaultKind::Internal,
        "codec worker answers with status 4294967295",
    );
}

#[test]
fn an_answer_longer_than_memory_is_refused() {
    check(
        104,
        FaultKind::Internal,
        "18446744073709551615 bytes of at most 1000",
    );
}

#[test]
fn an_answer_longer_than_allowed_is_refused() {
    check(105, FaultKind::Internal, "1001 bytes of at most 1000");
}

#[test]
fn a_panic_of_a_codec_is_a_fault_and_the_child_lives_on() {
    check(106, FaultKind::Internal, "codec panics");
}

#[test]
fn a_fault_of_a_codec_comes_back() {
    check(107, FaultKind::Unsupported, "as asked");
}

#[test]
fn a_codec_that_no_child_knows_is_an_internal_fault() {
    check(999, FaultKind::Internal, "no codec 999");
}

#[test]
fn a_child_that_hangs_is_a_limit_after_the_guard() {
    let workers = workers().guard(Duration::from_millis(300));
    let start = Instant::now();
    let fault = workers.call(102, &[], 10).unwrap_err();
    assert_eq!(fault.to_string(), "limit: codec worker takes longer than 300ms");
    assert!(start.elapsed() < Duration::from_secs(5));
    assert_eq!(
        workers
            .guard(Duration::from_secs(20))
            .call(ECHO, &[b"x"], 1)
            .unwrap(),
        b"x"
    );
}

#[test]
fn a_child_that_does_not_read_is_a_limit_after_the_guard() {
    // More than a pipe holds, to a program that reads nothing.
    let workers = Workers::new("sleep", ["3600"]).guard(Duration::from_millis(300));
    let fault = workers.call(ECHO, &[&vec![0; 4 << 20]], 10).unwrap_err();
    assert_eq!(fault.kind, FaultKind::Limit);
}

#[test]
fn a_command_that_is_none_is_found_out_before_there_is_a_record() {
    let fault = Workers::new("/no/such/program", Vec::<String>::new())
        .check()
        .unwrap_err();
    assert_eq!(fault.kind, FaultKind::Internal);
    assert!(fault.detail.starts_with("codec worker does not start"), "{fault}");
}

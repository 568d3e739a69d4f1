use super::*;

#[test]
fn what_is_wanted_after_each_call() {
    //                    running, job, closed    start   stop    close  (whether it changes anything)
    let table = [
        ((false, 0, false), [true, false, true]),
        ((true, 1, false), [false, true, true]),
        ((false, 1, true), [false, false, false]),
    ];
    for ((running, job, closed), changes) in table {
        let state = Wanted { running, job, closed, without_session: false };
        let calls: [fn(&mut Wanted) -> bool; 3] = [Wanted::start, Wanted::stop, Wanted::close];
        for (call, changed) in calls.into_iter().zip(changes) {
            let mut after = state;
            assert_eq!(call(&mut after), changed, "{state:?} → {after:?}");
            assert_eq!(after != state, changed);
            assert!(!(after.closed && after.running));
        }
    }
}

#[test]
fn a_stop_and_a_start_ask_for_another_job() {
    let mut wanted = Wanted::default();
    wanted.start();
    let first = wanted;
    wanted.stop();
    wanted.start();
    assert!(wanted.running);
    assert_ne!(wanted, first);
}

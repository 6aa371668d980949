//! Pins a worker to one CPU. On systems other than Linux it does nothing.

/// Pins the calling thread to one of the CPUs that it may use: number `worker`, wrapping around. If the system refuses,
/// only the speed changes.
#[cfg(target_os = "linux")]
pub(crate) fn pin(worker: usize) {
    use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

    let Ok(allowed) = sched_getaffinity(None) else {
        return;
    };
    let mut cpus = (0..CpuSet::MAX_CPU).filter(|&cpu| allowed.is_set(cpu));
    let count = allowed.count() as usize;
    if let Some(cpu) = cpus.nth(worker % count.max(1)) {
        let mut one = CpuSet::new();
        one.set(cpu);
        let _ = sched_setaffinity(None, &one);
    }
}

#[cfg(not(target_os = "linux"))]
pub(crate) fn pin(_worker: usize) {}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    #![allow(clippy::unwrap_used)]
    use rustix::thread::sched_getaffinity;

    #[test]
    fn a_pinned_thread_has_one_cpu_and_neighbours_have_others() {
        let cpus: Vec<_> = (0..3)
            .map(|worker| {
                let pinned = move || {
                    super::pin(worker);
                    sched_getaffinity(None).unwrap()
                };
                std::thread::spawn(pinned).join().unwrap()
            })
            .collect();
        assert!(cpus.iter().all(|set| set.count() == 1));
        let allowed = sched_getaffinity(None).unwrap().count();
        assert_eq!(cpus[0] == cpus[1], allowed == 1);
    }
}

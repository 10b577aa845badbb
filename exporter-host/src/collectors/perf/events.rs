//! The events that can be counted: their names on the command line, their metrics, and their numbers in
//! `linux/perf_event.h`.

/// An event.
#[derive(Debug)]
pub(super) struct Event {
    /// Its name on the command line.
    pub(super) profiler: &'static str,
    /// The metric's name after `node_perf_`.
    pub(super) metric: &'static str,
    /// The metric's HELP.
    pub(super) help: &'static str,
    source: Source,
}

#[derive(Debug, Clone, Copy)]
enum Source {
    /// `enum perf_hw_id`.
    Hardware(u64),
    /// `enum perf_sw_ids`.
    Software(u64),
    /// A cache, what was done with it, and whether it did not have what was looked for.
    Cache(u64, u64, u64),
}

impl Event {
    /// `type` and `config` of `struct perf_event_attr`.
    pub(super) fn number(&self) -> (u32, u64) {
        match self.source {
            Source::Hardware(event) => (0, event),
            Source::Software(event) => (1, event),
            Source::Cache(cache, operation, result) => (3, cache | operation << 8 | result << 16),
        }
    }
}

const fn event(
    profiler: &'static str,
    metric: &'static str,
    help: &'static str,
    source: Source,
) -> Event {
    Event {
        profiler,
        metric,
        help,
        source,
    }
}

use Source::{Cache, Hardware, Software};

const L1D: u64 = 0;
const L1I: u64 = 1;
const LAST_LEVEL: u64 = 2;
const DATA_TLB: u64 = 3;
const INSTRUCTION_TLB: u64 = 4;
const BRANCHES: u64 = 5;

const READ: u64 = 0;
const WRITE: u64 = 1;

const ACCESS: u64 = 0;
const MISS: u64 = 1;

#[rustfmt::skip]
pub(super) const HARDWARE: &[Event] = &[
    event("CpuCycles", "cpucycles_total", "Number of CPU cycles (frequency scaled)", Hardware(0)),
    event("CpuInstr", "instructions_total", "Number of CPU instructions", Hardware(1)),
    event("CacheRef", "cache_refs_total", "Number of cache references (non frequency scaled)", Hardware(2)),
    event("CacheMisses", "cache_misses_total", "Number of cache misses", Hardware(3)),
    event("BranchInstr", "branch_instructions_total", "Number of CPU branch instructions", Hardware(4)),
    event("BranchMisses", "branch_misses_total", "Number of CPU branch misses", Hardware(5)),
    event("StalledCyclesFrontend", "stalled_cycles_frontend_total", "Number of stalled frontend CPU cycles", Hardware(7)),
    event("StalledCyclesBackend", "stalled_cycles_backend_total", "Number of stalled backend CPU cycles", Hardware(8)),
    event("RefCpuCycles", "ref_cpucycles_total", "Number of CPU cycles", Hardware(9)),
];

#[rustfmt::skip]
pub(super) const SOFTWARE: &[Event] = &[
    event("PageFault", "page_faults_total", "Number of page faults", Software(2)),
    event("ContextSwitch", "context_switches_total", "Number of context switches", Software(3)),
    event("CpuMigration", "cpu_migrations_total", "Number of CPU process migrations", Software(4)),
    event("MinorFault", "minor_faults_total", "Number of minor page faults", Software(5)),
    event("MajorFault", "major_faults_total", "Number of major page faults", Software(6)),
];

#[rustfmt::skip]
pub(super) const CACHE: &[Event] = &[
    event("L1DataReadHit", "cache_l1d_read_hits_total", "Number L1 data cache read hits", Cache(L1D, READ, ACCESS)),
    event("L1DataReadMiss", "cache_l1d_read_misses_total", "Number L1 data cache read misses", Cache(L1D, READ, MISS)),
    event("L1DataWriteHit", "cache_l1d_write_hits_total", "Number L1 data cache write hits", Cache(L1D, WRITE, ACCESS)),
    event("L1InstrReadMiss", "cache_l1_instr_read_misses_total", "Number instruction L1 instruction read misses", Cache(L1I, READ, MISS)),
    event("LLReadHit", "cache_ll_read_hits_total", "Number last level read hits", Cache(LAST_LEVEL, READ, ACCESS)),
    event("LLReadMiss", "cache_ll_read_misses_total", "Number last level read misses", Cache(LAST_LEVEL, READ, MISS)),
    event("LLWriteHit", "cache_ll_write_hits_total", "Number last level write hits", Cache(LAST_LEVEL, WRITE, ACCESS)),
    event("LLWriteMiss", "cache_ll_write_misses_total", "Number last level write misses", Cache(LAST_LEVEL, WRITE, MISS)),
    event("DataTLBReadHit", "cache_tlb_data_read_hits_total", "Number of data TLB read hits", Cache(DATA_TLB, READ, ACCESS)),
    event("DataTLBReadMiss", "cache_tlb_data_read_misses_total", "Number of data TLB read misses", Cache(DATA_TLB, READ, MISS)),
    event("DataTLBWriteHit", "cache_tlb_data_write_hits_total", "Number of data TLB write hits", Cache(DATA_TLB, WRITE, ACCESS)),
    event("DataTLBWriteMiss", "cache_tlb_data_write_misses_total", "Number of data TLB write misses", Cache(DATA_TLB, WRITE, MISS)),
    event("InstrTLBReadHit", "cache_tlb_instr_read_hits_total", "Number instruction TLB read hits", Cache(INSTRUCTION_TLB, READ, ACCESS)),
    event("InstrTLBReadMiss", "cache_tlb_instr_read_misses_total", "Number instruction TLB read misses", Cache(INSTRUCTION_TLB, READ, MISS)),
    event("BPUReadHit", "cache_bpu_read_hits_total", "Number BPU read hits", Cache(BRANCHES, READ, ACCESS)),
    event("BPUReadMiss", "cache_bpu_read_misses_total", "Number BPU read misses", Cache(BRANCHES, READ, MISS)),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_of_a_cache_joins_three_numbers() {
        let number = |name: &str| {
            let mut all = CACHE.iter().chain(HARDWARE).chain(SOFTWARE);
            all.find(|event| event.profiler == name).unwrap().number()
        };
        assert_eq!(number("DataTLBWriteMiss"), (3, 0x1_0103));
        assert_eq!(number("L1DataReadHit"), (3, 0));
        assert_eq!(number("RefCpuCycles"), (0, 9));
        assert_eq!(number("MajorFault"), (1, 6));
    }
}

//! The collector's program: all of it is in the library, but for the allocator of its memory.

mod allocator;

fn main() -> std::process::ExitCode {
    allocator::settle();
    collector_server::main()
}

//! Compiles the few lines of C++ that call LibTorch's kernels, and lets the tests find LibTorch.

fn main() {
    libtorch_link::emit();
    println!("cargo::rerun-if-changed=src/libtorch/kernels.cpp");
    if std::env::var_os("CARGO_FEATURE_TCH").is_some() {
        cc::Build::new()
            .cpp(true)
            .std("c++17")
            .warnings(false) // of LibTorch's headers
            .includes(libtorch_link::include_dirs())
            .file("src/libtorch/kernels.cpp")
            .compile("fused_ops_kernels");
    }
}

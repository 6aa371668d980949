//! Lets builds with the feature `tch` find LibTorch.

fn main() {
    libtorch_link::emit();
}

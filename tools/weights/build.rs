//! Lets what is built here with the feature `tch` find LibTorch.

fn main() {
    libtorch_link::emit();
}

// A trap in a function that is inlined into another, below names that are mangled. Built by
//   clang++ -g -O2 --target=wasm32 -nostdlib -fno-exceptions -Wl,--no-entry -Wl,--export-dynamic \
//     -fdebug-compilation-dir=/sources -o inlined.wasm inlined.cc
// and, as inlined5.wasm, with -gdwarf-5.
namespace shapes {
template <typename T>
struct Box {
  T width, height;
  __attribute__((always_inline)) T ratio() const {
    if (height == T(0)) __builtin_trap();
    return width / height;
  }
};

struct Painter {
  __attribute__((noinline)) int paint(const Box<int> &box, int times) const {
    int sum = 0;
    for (int i = 0; i < times; i++) sum += box.ratio();
    return sum;
  }
};
}  // namespace shapes

extern "C" __attribute__((visibility("default"))) int draw(int width, int height) {
  shapes::Box<int> box = {width, height};
  volatile int kept = shapes::Painter().paint(box, width);
  return kept;
}

/** Guests that random sequences of uses of the API are about: a bit of everything that can be imported, exported and gone wrong with. */

/** Imports a function and a global, exports something of each kind. `spin` never ends: it is called with a deadline only. */
export const RICH = `(module $rich
  (rec (type $point (sub (struct (field $x (mut i32)) (field $y (mut anyref)) (field $z (mut externref)) (field $fixed i64)))))
  (type $numbers (array (mut i32))) (type $list (array (mut anyref))) (type $bytes (array i8))
  (import "m" "f" (func $f (param i32 i64 externref) (result f64)))
  (import "m" "g" (global $g i32))
  (memory (export "memory") 1 4)
  (table $funcs (export "table") 3 20 funcref) (elem (table $funcs) (i32.const 1) func $h)
  (elem $passive func $h $deep)
  (table $refs (export "refs") 2 10 externref) (table $anys (export "anys") 2 10 anyref)
  (table $points (export "points") 1 8 (ref null $point)) (table $wide (export "wide") i64 1 8 externref)
  (global (export "global") (mut f32) (f32.const 1)) (global $gext (export "gext") (mut externref) (ref.null extern))
  (global (export "gany") (mut anyref) (ref.null any)) (global (export "const") i64 (i64.const 7))
  (global (export "gvec") (mut v128) (v128.const i64x2 1 2))
  (tag $tag (export "tag") (param i32 externref))
  (data $data "some data")
  (func $h (export "h") (param i32) (result i32) (i32.div_s (i32.const 100) (local.get 0)))
  (func (export "f") (param i32 i64 externref) (result f64) (call $f (local.get 0) (local.get 1) (local.get 2)))
  (func (export "loopf") (param $n i32) (result f64) (local $sum f64)
    (loop $next
      (local.set $sum (f64.add (local.get $sum) (call $f (local.get $n) (i64.const 5) (ref.null extern))))
      (br_if $next (i32.gt_s (local.tee $n (i32.sub (i32.and (local.get $n) (i32.const 3)) (i32.const 1))) (i32.const 0))))
    (local.get $sum))
  (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0)))
  (func (export "tgrow") (param funcref i32) (result i32) (table.grow $funcs (local.get 0) (local.get 1)))
  (func (export "tget") (param i32) (result funcref) (table.get $funcs (local.get 0)))
  (func (export "call") (param i32 i32) (result i32)
    (call_indirect $funcs (param i32) (result i32) (local.get 1) (local.get 0)))
  (func (export "copy") (param i32 i32 i32) (memory.copy (local.get 0) (local.get 1) (local.get 2)))
  (func (export "tinit") (param i32 i32 i32) (table.init $funcs $passive (local.get 0) (local.get 1) (local.get 2)))
  (func (export "minit") (param i32 i32 i32) (memory.init $data (local.get 0) (local.get 1) (local.get 2)))
  (func (export "drop") (elem.drop $passive) (data.drop $data))
  (func (export "load") (param i32) (result i64) (i64.load (local.get 0)))
  (func $spin (export "spin") (loop (br 0)))
  (func $deep (export "deep") (param i32) (result i32)
    (if (result i32) (i32.eqz (local.get 0)) (then (i32.const 0))
      (else (i32.add (i32.const 1) (call $deep (i32.sub (local.get 0) (i32.const 1)))))))
  (func (export "throw") (param i32 externref) (throw $tag (local.get 0) (local.get 1)))
  (func (export "catch") (param i32 externref) (result i32 externref)
    (block $caught (result i32 externref)
      (try_table (result i32 externref) (catch $tag $caught)
        (drop (call $f (local.get 0) (i64.const 1) (local.get 1))) (i32.const -1) (ref.null extern))))
  (func (export "unreachable") unreachable)
  (func (export "vector") (param v128 i32) (result v128) (i32x4.replace_lane 1 (local.get 0) (local.get 1)))
  (func (export "many") (param i32 i64 f32 f64 externref funcref) (result funcref externref f64 f32 i64 i32)
    (local.get 5) (local.get 4) (local.get 3) (local.get 2) (local.get 1) (local.get 0))
  (func (export "point") (param i32 anyref externref) (result (ref $point))
    (struct.new $point (local.get 0) (local.get 1) (local.get 2) (i64.const 9)))
  (func (export "y") (param (ref null $point)) (result anyref) (struct.get $point $y (local.get 0)))
  (func (export "list") (param i32) (result (ref $list)) (array.new_default $list (i32.rem_u (local.get 0) (i32.const 1000))))
  (func (export "put") (param (ref null $list) i32 anyref) (array.set $list (local.get 0) (local.get 1) (local.get 2)))
  (func (export "cast") (param anyref) (result (ref $point)) (ref.cast (ref $point) (local.get 0)))
  (func (export "exn") (param i32) (result exnref)
    (block $caught (result exnref) (try_table (catch_all_ref $caught) (throw $tag (local.get 0) (ref.null extern))) unreachable))
  (func (export "rethrow") (param exnref) (throw_ref (local.get 0))))`;

/** Imports what the other exports. */
export const CONSUMER = `(module $consumer
  (import "x" "memory" (memory 1 4)) (import "x" "table" (table 3 20 funcref)) (import "x" "global" (global (mut f32)))
  (import "x" "tag" (tag (param i32 externref))) (import "x" "h" (func $h (param i32) (result i32)))
  (import "x" "anys" (table 2 10 anyref))
  (elem declare func $h)
  (func (export "run") (param i32) (result i32)
    (global.set 0 (f32.const 2)) (table.set 0 (i32.const 0) (ref.func $h)) (i32.store (i32.const 0) (local.get 0))
    (call $h (local.get 0))))`;

/** Calls the host while it is made. */
export const STARTER = `(module $starter (import "m" "f" (func $f (param i32 i64 externref) (result f64)))
  (memory (export "memory") 1) (func $start (drop (call $f (i32.const 1) (i64.const 2) (ref.null extern)))) (start $start))`;

/** What a host function for `m.f` is. */
export const HOST_SIGNATURE = { parameters: ["i32", "i64", "externref"], results: ["f64"] } as const;

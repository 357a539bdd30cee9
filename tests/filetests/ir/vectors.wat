;;! test = "ir"
;;! bounds = "guard"
;; Loads that widen, splat or fill a lane are a scalar load and what makes a vector of it; stores of a lane the extraction and a scalar store.
(module
  (memory 1)
  (func (param i32) (result v128) (v128.load16x4_u offset=8 (local.get 0)))
  (func (param i32) (result v128) (v128.load8_splat (local.get 0)))
  (func (param i32) (result v128) (v128.load64_zero (local.get 0)))
  (func (param i32 v128) (result v128) (v128.load16_lane 3 (local.get 0) (local.get 1)))
  (func (param i32 v128) (v128.store32_lane offset=4 2 (local.get 0) (local.get 1)))
  (func (param v128) (result i32) (i8x16.extract_lane_s 5 (local.get 0)))
  (func (param v128) (result v128) (v128.not (local.get 0)))
  (func (param v128 v128) (result v128) (i8x16.swizzle (local.get 0) (v128.const i8x16 3 2 1 0 7 6 5 4 16 17 18 200 0 0 0 0)))
  (func (result v128) (local v128) (local.get 0)))

;; sig0 (i32) -> (v128)
;; func 0 sig0 {
;; b0:
;;   v0:i32 = param 0
;;   v1:i64 = uextend v0
;;   v2:addr = vmctx_addr 80, _
;;   v3:i64 = load v2, v1, +8, memory!2
;;   v4:v128 = vzext.i64x2 v3
;;   v5:v128 = vextend_low_u.i32x4 v4
;;   return (v5)
;; }
;;
;; sig0 (i32) -> (v128)
;; func 1 sig0 {
;; b0:
;;   v0:i32 = param 0
;;   v1:i64 = uextend v0
;;   v2:addr = vmctx_addr 80, _
;;   v3:i32 = load8_u v2, v1, +0, memory!2
;;   v4:v128 = vsplat.i8x16 v3
;;   return (v4)
;; }
;;
;; sig0 (i32) -> (v128)
;; func 2 sig0 {
;; b0:
;;   v0:i32 = param 0
;;   v1:i64 = uextend v0
;;   v2:addr = vmctx_addr 80, _
;;   v3:i64 = load v2, v1, +0, memory!2
;;   v4:v128 = vzext.i64x2 v3
;;   return (v4)
;; }
;;
;; sig0 (i32, v128) -> (v128)
;; func 3 sig0 {
;; b0:
;;   v0:i32 = param 0
;;   v1:v128 = param 1
;;   v2:i64 = uextend v0
;;   v3:addr = vmctx_addr 80, _
;;   v4:i32 = load16_u v3, v2, +0, memory!2
;;   v5:v128 = vinsert.i16x8 v1, v4, 3
;;   return (v5)
;; }
;;
;; sig0 (i32, v128) -> ()
;; func 4 sig0 {
;; b0:
;;   v0:i32 = param 0
;;   v1:v128 = param 1
;;   v2:i32 = vextract.i32x4 v1, 2
;;   v3:i64 = uextend v0
;;   v4:addr = vmctx_addr 80, _
;;   store v4, v3, v2, +4, memory!2
;;   return ()
;; }
;;
;; sig0 (v128) -> (i32)
;; func 5 sig0 {
;; b0:
;;   v0:v128 = param 0
;;   v1:i32 = vextract.i8x16 v0, 5
;;   v2:i32 = sext8 v1
;;   return (v2)
;; }
;;
;; sig0 (v128) -> (v128)
;; func 6 sig0 {
;; b0:
;;   v0:v128 = param 0
;;   v1:v128 = vconst 0xffffffffffffffffffffffffffffffff
;;   v2:v128 = vxor v0, v1
;;   return (v2)
;; }
;;
;; sig0 (v128, v128) -> (v128)
;; func 7 sig0 {
;; b0:
;;   v0:v128 = param 0
;;   v1:v128 = param 1
;;   v2:v128 = vconst 0x00000000c81211100405060700010203
;;   v3:v128 = vconst 0x00000000000000000000000000000000
;;   v4:v128 = vshuffle v0, v3, [3, 2, 1, 0, 7, 6, 5, 4, 16, 16, 16, 16, 0, 0, 0, 0]
;;   return (v4)
;; }
;;
;; sig0 () -> (v128)
;; func 8 sig0 {
;; b0:
;;   v0:v128 = vconst 0x00000000000000000000000000000000
;;   return (v0)
;; }

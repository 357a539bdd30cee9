;;! test = "ir"
;;! sites = "show"
;; Every instruction carries the offset of the wasm instruction it stems from.
(module
  (memory 1)
  (func (param i32) (result i32)
    (nop)
    (i32.div_u (i32.load (local.get 0)) (local.get 0))))

;; sig0 (i32) -> (i32)
;; func 0 sig0 {
;; b0:
;;   v0:i32 = param 0 @29
;;   v1:i64 = uextend v0 @33
;;   v2:addr = vmctx_addr 80, _ @33
;;   v3:i32 = load v2, v1, +0, memory!2 @33
;;   v4:i32 = udiv v3, v0, trap=8 @38
;;   return (v4) @39
;; }

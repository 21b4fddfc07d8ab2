#* Adds two numbers.
#* @get /sum
#* @serializer unboxedJSON
function(a, b) {
  list(sum = as.numeric(a) + as.numeric(b))
}

#* Counts the bytes of a body.
#* @post /size
#* @parser octet
#* @serializer unboxedJSON
function(req) {
  list(size = length(req$bodyRaw))
}

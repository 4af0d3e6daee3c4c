module sward.example/peers

go 1.25

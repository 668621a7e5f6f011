/* The oracle's own network: the application's may have computed a part of an image when the oracle asks. */
#define model_selftest_logits oracle_selftest_logits
#define network_layers        oracle_network_layers
#define network_compute       oracle_network_compute
#define network_begin         oracle_network_begin
#define network_rows          oracle_network_rows
#define network_finish        oracle_network_finish
#define network_run           oracle_network_run
#define network_label         oracle_network_label

#include "model.c"
#include "network.c"

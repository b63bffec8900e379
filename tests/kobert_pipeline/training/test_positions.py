from kobert_pipeline.training.positions import positions


def test_roberta_counts_its_positions_after_the_padding():
    from transformers import BertConfig, RobertaConfig

    assert positions(RobertaConfig(max_position_embeddings=514, pad_token_id=1)) == 512
    assert positions(BertConfig(max_position_embeddings=512)) == 512
